import { proxyActivities, type ActivityInterfaceFor } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { ModelCard, Phase, RunStart } from '../protocol/index.ts';
import { modelCall, replStep } from './activity-options.ts';
import type { RunState } from './run-state.ts';

/** What the parts of one execution share: the state that is carried over, and what is only of now. */
export interface RunContext {
  readonly workflowId: string;
  readonly start: RunStart;
  readonly depth: number;
  state: RunState;
  phase: Phase;
  cell: string | null;
  round: { answered: number; total: number } | null;
}

/** The time that the run's Python and its limits see; each reading of a fixed clock is one step later. */
export function readClock(
  context: Pick<RunContext, 'start'>,
  state: { clockReadings: number },
): number {
  const { clock } = context.start.spec;
  const reading = state.clockReadings++;
  return clock === null ? Date.now() : clock.startMs + reading * clock.stepMs;
}

export function modelActivities(card: ModelCard): ActivityInterfaceFor<Activities> {
  return proxyActivities<Activities>(modelCall(card));
}

export function replActivities(
  state: Pick<RunState, 'resolved'>,
): ActivityInterfaceFor<Activities> {
  return proxyActivities<Activities>(replStep(state.resolved.replQueue, state.resolved.limits));
}
