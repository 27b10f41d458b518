import { z } from 'zod';
import { Digest } from './digest.ts';

export const SealTrailInput = z.object({
  workflowId: z.string(),
  runId: z.string(),
  piece: z.int().nonnegative(),
  previous: Digest.nullable(),
});
export type SealTrailInput = z.infer<typeof SealTrailInput>;

export const SealTrailResult = z.object({ trail: Digest, events: z.int().nonnegative() });
export type SealTrailResult = z.infer<typeof SealTrailResult>;

/** One event of the history as the trail keeps it. `input` and `result` are decoded payloads (digests and small values). */
export const TrailEvent = z.object({
  eventId: z.int().positive(),
  timeMs: z.number(),
  type: z.string(),
  /** Activity or child workflow type, and its summary. */
  name: z.string().nullable(),
  summary: z.string().nullable(),
  /** Scheduled event that this one belongs to. */
  scheduledEventId: z.int().nullable(),
  /** Id of the child or other workflow that the event is about. */
  workflowId: z.string().optional(),
  attempt: z.int().nullable(),
  input: z.unknown().optional(),
  result: z.unknown().optional(),
  failure: z.string().nullable(),
});
export type TrailEvent = z.infer<typeof TrailEvent>;

/** Content of a trail blob (JSON): a hash chain, since each piece names its predecessor by digest. */
export const TrailPiece = z.object({
  previous: Digest.nullable(),
  workflowId: z.string(),
  runId: z.string(),
  events: z.array(TrailEvent),
});
export type TrailPiece = z.infer<typeof TrailPiece>;
