import type { CallRequest, TextRef, WaitingCell } from '../protocol/index.ts';
import { caps } from '../protocol/index.ts';
import { putText, type Store } from '../store/index.ts';

interface NumberedRequest {
  number: number;
  request: CallRequest;
}

/** Of a question, what travels with the outcome; the whole of it is in the store. */
const QUESTION_CHARS = 300;

/** The calls of a stop that no model answers: questions to a person, and calls of tools by tool. */
export async function outsideCalls(
  store: Store,
  requests: readonly NumberedRequest[],
): Promise<Pick<WaitingCell, 'humans' | 'tools'>> {
  const humans: NonNullable<WaitingCell['humans']> = [];
  const tools: NonNullable<WaitingCell['tools']> = [];
  for (const { number, request } of requests) {
    const { kind, tool = '' } = request;
    if (kind === 'human') {
      humans.push({ call: number, question: inBrief(await putText(store, request.prompt)) });
    } else if (kind === 'tool') {
      const last = tools.at(-1);
      const range = last?.calls.at(-1);
      if (last?.tool === tool && range !== undefined && range[1] === number - 1) range[1] = number;
      else tools.push({ tool, calls: [[number, number]] });
    }
  }
  return { ...(humans.length > 0 && { humans }), ...(tools.length > 0 && { tools }) };
}

/** What is wrong with the number of calls of one round, as a clause; null when nothing is. The session turns such calls away (`rlm/round_limits.py`): only one that was tampered with lets them through. */
export function tooManyCalls(calls: readonly { kind: CallRequest['kind'] }[]): string | null {
  const problem = (kind: CallRequest['kind'], most: number, did: string): string | null => {
    const count = calls.filter((call) => call.kind === kind).length;
    return count > most
      ? `it ${did} at once, at most ${most} are allowed`.replace('#', `${count}`)
      : null;
  };
  return (
    problem('rlm', caps.SUB_RUNS_A_ROUND, 'started # sub-runs') ??
    problem('human', caps.QUESTIONS_A_ROUND, 'asked a person # questions') ??
    problem('tool', caps.TOOL_CALLS_A_ROUND, 'made # calls of tools')
  );
}

function inBrief({ digest, sizeBytes, chars, text, head }: TextRef): TextRef {
  if (text !== undefined && text.length <= QUESTION_CHARS)
    return { digest, sizeBytes, chars, text };
  const shown = (text ?? head ?? '').slice(0, QUESTION_CHARS).toWellFormed();
  return { digest, sizeBytes, chars, head: shown };
}
