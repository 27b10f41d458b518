import { CellOutcome, RunCellInput, type StepPlace } from '../protocol/index.ts';
import { type ActivityStep, activitySteps } from './activity-steps.ts';
import type { Trail } from './read-trail.ts';

/** One step of a cell: from its start, or from a delivery of answers, to its next wait or its end. */
export interface CellStep {
  cell: string;
  /** More than 1: the cell was run afresh, since its replay had made other calls than were recorded. */
  cellAttempt: number;
  /** False for the step that begins the cell. */
  resumed: boolean;
  /** `diverged`: rolled back to be run afresh; `lost`: no worker brought it to an end here, and it went on elsewhere; `open`: not ended yet. */
  outcome: 'finished' | 'waiting' | 'rolledBack' | 'diverged' | 'lost' | 'open';
  /** In the kernel that was kept for it, in one restored from the image, or restored and replayed; null when that is not recorded. */
  way: StepPlace['way'] | null;
  /** Where: `machine/worker/kernel host`. */
  host: string | null;
  /** Times it was tried here. */
  attempts: number;
  /** Why it was lost or tried again, else null. */
  why: string | null;
}

const StepInput = RunCellInput.pick({ key: true, journal: true });

/** The steps of a run's cells in the order in which they ended: which way each went, and where. */
export function cellSteps(trail: Trail): CellStep[] {
  return activitySteps(trail).flatMap((step) => {
    const input = StepInput.safeParse(step.input);
    if (step.name !== 'runCell' || !input.success) return [];
    const { key, journal } = input.data;
    const outcome = CellOutcome.safeParse(step.closed?.result).data;
    return [
      {
        cell: key.cell,
        cellAttempt: key.cellAttempt,
        resumed: journal !== null,
        outcome: outcomeOf(step, outcome),
        way: outcome?.place?.way ?? null,
        host: outcome?.place?.host ?? null,
        attempts: step.attempts,
        why: outcome === undefined ? (step.closed?.failure ?? null) : step.retriedAfter,
      },
    ];
  });
}

function outcomeOf(
  { closed }: ActivityStep,
  outcome: CellOutcome | undefined,
): CellStep['outcome'] {
  if (closed === null) return 'open';
  if (outcome === undefined) return 'lost';
  if (outcome.kind === 'rolledBack' && outcome.reason === 'divergence') return 'diverged';
  return outcome.kind;
}
