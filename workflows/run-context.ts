import { proxyActivities, type ActivityInterfaceFor, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { ModelCard, Phase, RunStart } from '../protocol/index.ts';
import { modelCall } from './activity-options.ts';
import { Ledger } from './ledger.ts';
import type { OpenQuestion } from './open-questions.ts';
import type { Arrival } from './rounds.ts';
import type { RunState } from './run-state.ts';

/** A batch of calls of a wide round. It may be started again, as another workflow on the same row of the ledger. */
export interface BatchUnderWay {
  readonly row: string;
  /** Calls that it has answered, as it says, and those of them that the cell's calls know of. */
  answered: number;
  handedOver: number;
  readonly arrive: (call: number, arrival: Arrival) => void;
}

/** What the parts of one execution share: the state that is carried over, and what is only of now. */
export interface RunContext {
  readonly workflowId: string;
  readonly start: RunStart;
  readonly depth: number;
  state: RunState;
  /** Names the run in records: of a sub-run not its id, which differs from one execution of its parent to the next. */
  readonly scope: string;
  readonly ledger: Ledger;
  /** Batches under way, by the ids of their workflows. */
  readonly batches: Map<string, BatchUnderWay>;
  /** Leaves a sentence for the model, to be shown with its cell's output. */
  readonly note: (sentence: string) => void;
  phase: Phase;
  /** What would go on but for a pause; several calls may. */
  held: number;
  cell: string | null;
  round: { answered: number; total: number } | null;
  /** Questions of `ask_human` that wait, by id; none is between turns. */
  readonly questions: Map<string, OpenQuestion>;
  /** Ids of the sub-runs under way; none is between turns. */
  readonly subRuns: Set<string>;
}

export function openContext(workflowId: string, start: RunStart, state: RunState): RunContext {
  const depth = start.parent?.depth ?? 0;
  return {
    workflowId,
    start,
    depth,
    state,
    scope: start.parent?.scope ?? workflowId,
    ledger: new Ledger(state),
    batches: new Map(),
    note: (sentence) => {
      if (!state.notes.includes(sentence)) state.notes.push(sentence);
    },
    phase: 'starting',
    held: 0,
    cell: null,
    round: null,
    questions: new Map(),
    subRuns: new Set(),
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
  const { root, workflowId } = workflowInfo();
  return proxyActivities<Activities>(modelCall(card, root?.workflowId ?? workflowId));
}
