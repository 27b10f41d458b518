import { z } from 'zod';
import { BlobRef } from './digest.ts';
import { ManifestEntry } from './variables.ts';

const path = ManifestEntry.shape.path;

/** Where one input comes from; `path` is its place in `input_data`. */
export const InputSource = z.discriminatedUnion('kind', [
  /** A value that is in the store as Python gets it. */
  z.object({ kind: z.literal('stored'), entry: ManifestEntry }),
  /** The bytes of a file of any format, uploaded by the client. */
  z.object({
    kind: z.literal('upload'),
    path,
    /** File name, for its format and for messages. */
    name: z.string().min(1).max(4096),
    blob: BlobRef,
    /** One of many: when it cannot be read it is reported and the others are used. */
    batch: z.boolean().optional(),
  }),
  /** What the worker fetches itself: `s3://`, `https://`, or `worker:` and a path or glob of its own. */
  z.object({ kind: z.literal('remote'), path, location: z.string().min(1).max(4096) }),
]);
export type InputSource = z.infer<typeof InputSource>;

/** Content of a blob (JSON): the sources of `input_data`, in order. */
export const InputSources = z.object({
  sources: z.array(InputSource),
  /** A document that cannot be read fails the run, also one of many. */
  strict: z.boolean().optional(),
  /** What was left out or guessed when they were listed. */
  notes: z.array(z.string()).optional(),
});
export type InputSources = z.infer<typeof InputSources>;

/** The sources of a run, in its spec. */
export const SourceList = z.object({
  /** Blob of `InputSources`. */
  list: BlobRef.shape.digest,
  count: z.int().nonnegative(),
  /** Bytes that were uploaded. */
  sizeBytes: z.int().nonnegative(),
  /** Places and names of the first ones, for people. */
  listed: z.array(z.string().max(300)).max(30).optional(),
});
export type SourceList = z.infer<typeof SourceList>;

/** What `ingest` is told beside the values that are in the spec. */
export const IngestOptions = z.object({
  /** Blob of `InputSources`. */
  sources: BlobRef.shape.digest.optional(),
  /** Heap of the run's REPL: inputs that do not fit are refused before it opens. */
  heapMiB: z.int().positive().optional(),
});
export type IngestOptions = z.infer<typeof IngestOptions>;

/** Heartbeat details of `ingest`. */
export const IngestProgress = z.object({
  phase: z.enum(['started', 'reading', 'converting', 'storing']),
  /** Documents that are done, and all that are known of. */
  done: z.int().nonnegative(),
  total: z.int().nonnegative(),
  /** Bytes read so far. */
  bytes: z.int().nonnegative(),
  /** The document at hand. */
  name: z.string().max(300).optional(),
  /** Pages of it that are read, and all. */
  page: z.int().nonnegative().optional(),
  pages: z.int().nonnegative().optional(),
});
export type IngestProgress = z.infer<typeof IngestProgress>;
