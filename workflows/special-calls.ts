import type { StepKey, WaitingCell } from '../protocol/index.ts';
import { humanArrival } from './human-questions.ts';
import type { Arrival } from './rounds.ts';
import type { RunContext } from './run-context.ts';

/** The new calls of a waiting cell that no model answers, by number: questions to a person. */
export function specialCalls(
  context: RunContext,
  key: StepKey,
  waiting: WaitingCell,
): Map<number, () => Promise<Arrival>> {
  const calls = new Map<number, () => Promise<Arrival>>();
  for (const asked of waiting.humans ?? []) {
    calls.set(asked.call, () => humanArrival(context, key.cell, asked));
  }
  return calls;
}
