import { z } from 'zod';

export const CollectGarbageInput = z.object({
  /** Ended runs and deleted schedules older than this are forgotten first; null: none. */
  olderThanMs: z.number().nonnegative().nullable(),
  dryRun: z.boolean(),
});
export type CollectGarbageInput = z.infer<typeof CollectGarbageInput>;

/** What a collection did, or with `dryRun` would do. */
export const CollectGarbageResult = z.object({
  dryRun: z.boolean(),
  roots: z.int(),
  forgotten: z.int(),
  /** Roots of runs that this server does not know: kept until they are forgotten by name. */
  unknown: z.int(),
  blobs: z.int(),
  storedBytes: z.int(),
  discarded: z.int(),
  discardedBytes: z.int(),
  /** Kept by no root, but too young to be sure of. */
  young: z.int(),
  /** Kept by no root, but from before roots were kept in the store. */
  unrooted: z.int(),
  /** Taken away, and to be freed by a later collection. */
  waiting: z.int(),
  restored: z.int(),
});
export type CollectGarbageResult = z.infer<typeof CollectGarbageResult>;
