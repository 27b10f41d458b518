import {
  caps,
  type CallRanges,
  type CallRequest,
  IMAGE_TOKENS,
  type JournalCall,
  type SubRunCall,
  type WaitingCell,
} from '../protocol/index.ts';

/** Ranges that a waiting outcome names repeated calls by. */
const LISTED_RANGES = 500;

/** The sub-calls of one stop that ask what an earlier one of it asks. Those beyond the listed ranges are counted only. */
export function repeatsOf(
  calls: readonly JournalCall[],
): Pick<WaitingCell, 'repeats' | 'repeatCount'> {
  const seen = new Set<string>();
  const repeats: CallRanges = [];
  let repeatCount = 0;
  for (const { number, kind, request } of calls) {
    if (kind !== 'llm') continue;
    if (!seen.has(request)) {
      seen.add(request);
      continue;
    }
    repeatCount++;
    const last = repeats.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else if (repeats.length < LISTED_RANGES) repeats.push([number, number]);
  }
  return repeatCount === 0 ? {} : { repeats, repeatCount };
}

/** Bytes of the longest prompt of one stop, an image counted as bytes that could make as many tokens. A sub-run may be asked as a sub-call: then its context goes with the prompt. */
export function longestPrompt(
  requests: ReadonlyArray<{ number: number; request: CallRequest }>,
  subRuns: readonly SubRunCall[],
): number {
  const contexts = new Map(subRuns.map(({ call, context }) => [call, context?.sizeBytes ?? 0]));
  return requests.reduce((longest, { number, request }) => {
    const { prompt, schema = '', images = [] } = request;
    const bytes =
      Buffer.byteLength(prompt) +
      Buffer.byteLength(schema) +
      images.length * IMAGE_TOKENS +
      (contexts.get(number) ?? 0);
    return request.kind === 'llm' || request.kind === 'rlm' ? Math.max(longest, bytes) : longest;
  }, 0);
}

/** The sub-calls of one stop that name a model, by model. Those beyond the caps are left to the run's own sub-model's queue. */
export function modelsOf(
  requests: ReadonlyArray<{ number: number; request: CallRequest }>,
): Pick<WaitingCell, 'models'> {
  const byModel = new Map<string, CallRanges>();
  for (const { number, request } of requests) {
    const { kind, model } = request;
    if (kind !== 'llm' || model === null) continue;
    const ranges = byModel.get(model) ?? [];
    if (ranges.length === 0 && byModel.size === caps.MODELS_A_ROUND) continue;
    byModel.set(model, ranges);
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else if (ranges.length < caps.MODEL_RANGES) ranges.push([number, number]);
  }
  if (byModel.size === 0) return {};
  return { models: [...byModel].map(([model, calls]) => ({ model, calls })) };
}
