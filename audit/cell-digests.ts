import { z } from 'zod';
import { CellOutcome, type Digest, StepKey } from '../protocol/index.ts';
import { activitySteps } from './activity-steps.ts';
import type { Trail } from './read-trail.ts';

/** State of the REPL after a finished cell: equal digests are equal heaps and files. */
export interface CellDigest {
  cell: string;
  heapDigest: Digest;
}

const StepInput = z.object({ key: StepKey });

/** The finished cells of a run in their order. Two runs did the same, bit for bit, when these lists are equal. */
export function cellDigests(trail: Trail): CellDigest[] {
  const digests: CellDigest[] = [];
  for (const { name, input, closed } of activitySteps(trail)) {
    if (name !== 'runCell' || closed?.type !== 'ActivityTaskCompleted') continue;
    const step = StepInput.safeParse(input);
    const outcome = CellOutcome.safeParse(closed.result);
    if (!step.success || !outcome.success || outcome.data.kind !== 'finished') continue;
    digests.push({ cell: step.data.key.cell, heapDigest: outcome.data.image.heapDigest });
  }
  return digests;
}
