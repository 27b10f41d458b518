import { z } from 'zod';

/** Limits of a run. Reaching one ends the run with its best draft and the reason. */
export const Budget = z.object({
  turns: z.int().positive(),
  /** Sub-calls and sub-runs together. */
  calls: z.int().nonnegative(),
  costUsd: z.number().nonnegative(),
  /** Input and output tokens together; null is no limit. */
  tokens: z.int().positive().nullable(),
  /** Wall-clock of the run in ms; null is no limit. */
  wallClockMs: z.int().positive().nullable(),
  /** Compute of all cells, sub-runs included, in ms; null or absent is no limit. */
  computeMs: z.int().positive().nullable().optional(),
});
export type Budget = z.infer<typeof Budget>;
