import { z } from 'zod';
import { Digest } from './digest.ts';
import { StepKey } from './cell.ts';
import { CallRanges } from './call-ranges.ts';

/** A cell is run afresh: which of its new calls were answered when it ran before? */
export const ReuseAnswersInput = z.object({
  /** Of the attempt that asks now. */
  key: StepKey,
  /** Newest link of its journal: a round. */
  journal: Digest,
  /** The attempt before it, and the newest link of its journal. */
  earlier: z.object({ cellAttempt: z.int().positive(), journal: Digest }),
});
export type ReuseAnswersInput = z.infer<typeof ReuseAnswersInput>;

/** The calls of the round whose answers are records now. */
export const ReuseAnswersResult = z.object({ reused: CallRanges });
export type ReuseAnswersResult = z.infer<typeof ReuseAnswersResult>;
