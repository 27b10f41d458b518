import type { ChatCompletionChunk } from 'openai/resources/chat/completions';
import { FailureType } from '../protocol/index.ts';
import { FirstBlock } from './first-block.ts';
import { ModelError } from './model-failure.ts';
import { OpaqueCollector, type OpaqueItems } from './opaque-reasoning.ts';
import { thoughtsOf } from './parse-reply.ts';
import type { ChatRequest } from './provider.ts';
import { type ToolCall, ToolCallCollector } from './python-tool.ts';
import type { ReportedTokens } from './usage.ts';

export interface CollectedReply {
  /** Without the thoughts that some servers leave in it. */
  readonly text: string;
  /** Calls of the tool `python`, in order; absent without any. */
  readonly calls?: ToolCall[];
  readonly finishReason: string;
  /** What the model wrote while it thought, where the endpoint shows it; kept for the audit, never sent back. */
  readonly reasoning?: string;
  /** Thoughts that only their maker can read. */
  readonly items?: OpaqueItems;
  /** The model that answered, as the provider names it. */
  readonly model: string;
  /** Null when the provider counted nothing. */
  readonly tokens: ReportedTokens | null;
}

/** Puts a streamed reply together. Throws ModelError Model.Unavailable when the stream ends before its reply does, and what the stream throws. */
export async function collectReply(
  stream: AsyncIterable<ChatCompletionChunk>,
  request: Pick<ChatRequest, 'card' | 'endpoint' | 'oneBlock' | 'onProgress'>,
): Promise<CollectedReply> {
  const { card, endpoint, onProgress } = request;
  let text = '';
  let refusal = '';
  let reasoning = '';
  let finishReason: string | null = null;
  let model = card.model;
  let tokens: ReportedTokens | null = null;
  let chunks = 0;
  const calls = new ToolCallCollector();
  const opaque = new OpaqueCollector(endpoint.returnReasoning);
  const block = request.oneBlock === true ? new FirstBlock() : null;
  let untilBlock: string | null = null;
  for await (const chunk of stream) {
    chunks += 1;
    model = chunk.model || model;
    const choice = chunk.choices?.[0];
    const delta = choice?.delta;
    text += delta?.content ?? '';
    refusal += delta?.refusal ?? '';
    reasoning += reasoningOf(delta);
    calls.add(delta);
    opaque.addMessage(delta);
    for (const call of delta?.tool_calls ?? []) opaque.addCall(call.index, call);
    finishReason = choice?.finish_reason ?? finishReason;
    tokens = tokensOf(chunk) ?? tokens;
    onProgress?.({
      chunks,
      outputChars: text.length + calls.chars,
      reasoningChars: reasoning.length,
    });
    untilBlock = finishReason === null ? (block?.upTo(text) ?? null) : null;
    // Leaving the loop ends the request.
    if (untilBlock !== null) break;
  }
  if (untilBlock !== null) {
    return { ...split(untilBlock, reasoning), finishReason: 'block', model, tokens: null };
  }
  if (finishReason === null) throw brokenOff(request, chunks);
  const items = opaque.items(calls.ids);
  return {
    ...split(text === '' ? refusal : text, reasoning),
    ...(calls.calls.length === 0 ? {} : { calls: calls.calls }),
    ...(items === undefined ? {} : { items }),
    finishReason: text === '' && refusal !== '' ? 'refusal' : finishReason,
    model,
    tokens,
  };
}

/** Thoughts at the beginning of the text belong to the other thoughts. Those that do not end are all that there is. */
function split(text: string, reasoning: string): { text: string; reasoning?: string } {
  const inText = thoughtsOf(text) ?? text;
  const thoughts = [reasoning, inText.trim()].filter((part) => part !== '').join('\n');
  return {
    text: inText === '' ? text : text.slice(inText.length).trimStart(),
    ...(thoughts === '' ? {} : { reasoning: thoughts }),
  };
}

function brokenOff(
  { card, endpoint }: Pick<ChatRequest, 'card' | 'endpoint'>,
  chunks: number,
): ModelError {
  const where = `${card.model} at ${endpoint.baseUrl}`;
  return new ModelError({
    type: FailureType.modelUnavailable,
    retryable: true,
    message:
      chunks === 0
        ? `${where} sent no stream: check that the base URL is that of an OpenAI-compatible API.`
        : `${where} closed the stream before the end of its answer.`,
  });
}

function tokensOf(chunk: ChatCompletionChunk): ReportedTokens | null {
  if (!chunk.usage) return null;
  const { prompt_tokens: input, completion_tokens: output, prompt_tokens_details } = chunk.usage;
  if (!isCount(input) || !isCount(output)) return null;
  const cached = prompt_tokens_details?.cached_tokens;
  // Some gateways name the price of the call themselves.
  const cost: unknown = 'cost' in chunk.usage ? chunk.usage.cost : undefined;
  return {
    input,
    output,
    cachedInput: isCount(cached) ? cached : 0,
    ...(typeof cost === 'number' && cost >= 0 ? { costUsd: cost } : {}),
  };
}

/** Not in the API's own types: servers of open models and gateways name the field in two ways. */
function reasoningOf(delta: object | undefined): string {
  for (const name of ['reasoning_content', 'reasoning']) {
    const text: unknown = Reflect.get(delta ?? {}, name);
    if (typeof text === 'string') return text;
  }
  return '';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
