import { z } from 'zod';
import { Digest } from './digest.ts';

/** A heap image: the state of a REPL after a step. Trusted because it comes from the workflow history and the store verifies its digest. */
export const HeapImageRef = z.object({
  /** The blob that holds this image (its parents are named inside it). */
  blob: Digest,
  /** Hash of the vector of page digests and of the files: equal for equal states, whichever chain of blobs holds them. */
  heapDigest: Digest,
  /** Bytes that this image added to the store. */
  storedBytes: z.int().nonnegative(),
  /** Size of the WebAssembly heap. */
  heapBytes: z.int().nonnegative(),
});
export type HeapImageRef = z.infer<typeof HeapImageRef>;
