import { z } from 'zod';
import { Usage } from './usage.ts';

/** Spend of a run, sub-runs included. */
export const Spend = z.object({
  turns: z.int().nonnegative(),
  calls: z.int().nonnegative(),
  usage: Usage,
  computeMs: z.number().nonnegative(),
});
export type Spend = z.infer<typeof Spend>;
