import type { NextTurnInput } from '../protocol/index.ts';
import { getText, type Store } from '../store/index.ts';
import type { ChatMessage } from './prompt-message.ts';
import { renderObservation } from './render-observation.ts';
import { renderContinuation, renderOpening } from './render-system.ts';

/** Said to a model whose run is over without a draft. */
const ANSWER_NOW =
  'The run is over: no more code is run. Reply with the answer itself, as well as what you have seen allows, and with nothing else: no code, no remarks on the work. Say in it what is not certain or was not found.';

/** The messages since the last reply: the opening of a run when there is no transcript yet, and what happened. */
export async function newMessages(
  store: Store,
  input: NextTurnInput,
  transcript: readonly ChatMessage[],
  promptFolder: string | undefined,
): Promise<ChatMessage[]> {
  const opening = transcript.length === 0 ? await renderOpening(store, input, promptFolder) : [];
  const observed =
    input.observation === null
      ? []
      : [await renderObservation(input.observation, (ref) => getText(store, ref))];
  const said = [
    ...observed,
    ...(input.continues === undefined
      ? []
      : [await renderContinuation(store, input, promptFolder)]),
    ...(input.purpose === 'answer' ? [await answerNow(store, input)] : []),
  ];
  return [...opening, ...asReplies(transcript.at(-1), said.join('\n\n'))];
}

async function answerNow(store: Store, { answerSchema = null }: NextTurnInput): Promise<string> {
  if (answerSchema === null) return ANSWER_NOW;
  const schema = await getText(store, answerSchema);
  return `${ANSWER_NOW} It must be JSON that satisfies this JSON Schema:\n${schema}`;
}

/** A text of the engine as messages: each call of the reply before it needs an answer of its own, and the last one gets the text. */
export function asReplies(previous: ChatMessage | undefined, content: string): ChatMessage[] {
  const calls = previous?.calls ?? [];
  if (calls.length > 0) {
    return calls.map(({ id }, at) => ({
      role: 'tool',
      callId: id,
      content: at === calls.length - 1 ? content : 'What came of it is told with the last call.',
    }));
  }
  return content === '' ? [] : [{ role: 'user', content }];
}
