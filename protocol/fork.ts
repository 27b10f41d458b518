import { z } from 'zod';
import { MANIFESTS } from './caps.ts';
import { AnswerState } from './cell.ts';
import { Digest } from './digest.ts';
import { HeapImageRef } from './heap-image.ts';
import { CellObservation } from './turn.ts';

/** The step of another run that a run starts from. */
export const ForkSource = z.strictObject({
  workflowId: z.string().min(1).max(1000),
  /** `turn.cell`; absent: the last cell that finished. */
  cell: z
    .string()
    .regex(/^\d+\.\d+$/, 'must be a cell, for instance 3.1')
    .optional(),
});
export type ForkSource = z.infer<typeof ForkSource>;

/** What a run goes on with that starts from a step of another: recorded once, so that the source may end or go. */
export const ForkPoint = z.object({
  workflowId: z.string(),
  /** Execution that ran the cell. */
  runId: z.string(),
  cell: z.string(),
  turn: z.int().nonnegative(),
  image: HeapImageRef,
  /** Transcript up to the reply that the cell is of. */
  transcript: Digest.nullable(),
  /** Code blocks of that reply; absent when they were not recorded. */
  blocks: z.int().nonnegative().optional(),
  /** What the model has not been shown of that reply's cells. */
  cells: z.array(CellObservation),
  manifest: Digest,
  /** Digest of the question that the run was on; a fork with the same one goes on with its draft. */
  question: Digest.nullable().optional(),
  secret: z.string().regex(/^[0-9a-f]{64}$/),
  draft: AnswerState.shape.content,
  /** Those of the draft. */
  citations: AnswerState.shape.citations,
  /** Of the inputs that the heap was given before those of `manifest`, newest first. */
  earlier: z.array(Digest).max(MANIFESTS).optional(),
  runtime: z.string(),
  clockMs: z.number(),
});
export type ForkPoint = z.infer<typeof ForkPoint>;
