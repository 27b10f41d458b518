import { z } from 'zod';
import { Allowance } from './call-batch.ts';
import { Phase } from './run-result.ts';
import { Spend } from './spend.ts';

/** Something that a run has started and that has not ended: what it may spend, and what it has said so far to have spent. */
const OpenChild = z.object({
  workflowId: z.string(),
  kind: z.enum(['subRun', 'batch']),
  granted: Allowance,
  reported: Spend.nullable(),
});

/** The newest part of a run's tree: itself, and its children under way. They answer the same query for theirs. */
export const RunBranch = z.object({
  workflowId: z.string(),
  depth: z.int().nonnegative(),
  phase: Phase,
  turn: z.int().nonnegative(),
  /** With what the children have reported. */
  spend: Spend,
  children: z.array(OpenChild),
});
export type RunBranch = z.infer<typeof RunBranch>;
