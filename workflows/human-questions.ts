import { ApplicationFailure, condition } from '@temporalio/workflow';
import { type Digest, FailureType, type HumanCall, NO_USAGE } from '../protocol/index.ts';
import type { OpenQuestion } from './open-questions.ts';
import { report } from './report.ts';
import type { Arrival } from './rounds.ts';
import type { RunContext } from './run-context.ts';

/** Waits for a person, as long as it takes: nothing but this line of the workflow's history is held meanwhile. */
export async function humanArrival(
  context: RunContext,
  cell: string,
  { call, question }: HumanCall,
): Promise<Arrival> {
  const id = `${cell}.${call}`;
  const open: OpenQuestion = { question, taken: false, answer: null };
  context.questions.set(id, open);
  try {
    report(context, 'waiting for a person');
    await condition(() => open.answer !== null);
  } finally {
    context.questions.delete(id);
  }
  report(context, 'running');
  return { kind: 'subRun', text: open.answer ?? question.digest, model: 'human', usage: NO_USAGE };
}

/** Throws unless the question waits for an answer. */
export function checkAsked({ questions }: RunContext, id: string): void {
  const open = questions.get(id);
  if (open !== undefined && !open.taken) return;
  const waiting = [...questions].filter(([, { taken }]) => !taken).map(([name]) => name);
  const which = waiting.length === 0 ? 'none does' : `these do: ${waiting.join(', ')}`;
  throw ApplicationFailure.nonRetryable(
    `No question ${id} waits for an answer; ${which}.`,
    FailureType.invalidInput,
  );
}

/** Gives a question its answer, which `store` puts into the store first. When that fails the question waits on. */
export async function answerQuestion(
  { questions }: RunContext,
  id: string,
  store: () => Promise<Digest>,
): Promise<void> {
  const open = questions.get(id);
  if (open === undefined) return;
  open.taken = true;
  try {
    open.answer = await store();
  } finally {
    open.taken = open.answer !== null;
  }
}
