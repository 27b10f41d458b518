import type { NextTurnInput } from '../protocol/index.ts';
import { getText, type Store } from '../store/index.ts';
import type { ChatMessage } from './prompt-message.ts';
import { renderObservation } from './render-observation.ts';
import type { Prompts } from './prompts/prompt-set.ts';
import { describeAnswer, renderContinuation, renderOpening } from './render-system.ts';

/** The messages since the last reply: the opening of a run when there is no transcript yet, and what happened. */
export async function newMessages(
  store: Store,
  input: NextTurnInput,
  transcript: readonly ChatMessage[],
  prompts: Prompts,
): Promise<ChatMessage[]> {
  const opening = transcript.length === 0 ? await renderOpening(store, input, prompts) : [];
  const observed =
    input.observation === null
      ? []
      : [await renderObservation(input.observation, (ref) => getText(store, ref))];
  const said = [
    ...observed,
    ...(input.continues === undefined ? [] : [await renderContinuation(store, input, prompts)]),
    ...(input.purpose === 'answer'
      ? [prompts.fill('answer-now.md', await describeAnswer(store, input.answerSchema ?? null))]
      : []),
  ];
  return [
    ...opening,
    ...asReplies(transcript.at(-1), said.map((part) => part.trimEnd()).join('\n\n')),
  ];
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
