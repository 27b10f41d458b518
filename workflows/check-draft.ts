import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { TextRef } from '../protocol/index.ts';
import { LIGHT } from './activity-options.ts';
import type { RunContext } from './run-context.ts';
import { resetReady } from './settle-turn.ts';

/** Refused answers (schema, emptiness) after which a run ends with the draft as it is. */
export const REFUSED_ANSWERS = 3;

const { checkAnswer } = proxyActivities<Activities>(LIGHT);

/** Checks a ready draft in an activity (a hostile pattern must not hang a workflow task). Null when it holds; else notes for the model, and `ready` is set back. */
export async function checkDraft(context: RunContext, draft: TextRef): Promise<string[] | null> {
  const { state, start } = context;
  context.phase = 'checking';
  const { ok, problems } = await checkAnswer.executeWithOptions(
    { summary: `draft v${state.draft?.version ?? 0}` },
    [{ draft, schema: start.spec.answerSchema }],
  );
  if (ok) return null;
  state.refusedAnswers++;
  resetReady(state);
  const left = REFUSED_ANSWERS - state.refusedAnswers;
  return [
    'The answer was not accepted:',
    ...problems,
    `Correct answer["content"] and set answer["ready"] = True again (${left} ${left === 1 ? 'attempt is' : 'attempts are'} left).`,
  ];
}
