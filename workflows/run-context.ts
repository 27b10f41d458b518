import { proxyActivities, type ActivityInterfaceFor } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { ModelCard, Phase, RunStart } from '../protocol/index.ts';
import { modelCall, replStep } from './activity-options.ts';
import { type Grant, NO_GRANT } from './grants.ts';
import type { RunState } from './run-state.ts';

/** What the parts of one execution share: the state that is carried over, and what is only of now. */
export interface RunContext {
  readonly workflowId: string;
  readonly start: RunStart;
  readonly depth: number;
  state: RunState;
  /** Promised to sub-runs that are under way; nothing is between turns. */
  granted: Grant;
  phase: Phase;
  cell: string | null;
  round: { answered: number; total: number } | null;
}

export function openContext(workflowId: string, start: RunStart, state: RunState): RunContext {
  const depth = start.parent?.depth ?? 0;
  return {
    workflowId,
    start,
    depth,
    state,
    granted: NO_GRANT,
    phase: 'starting',
    cell: null,
    round: null,
  };
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
