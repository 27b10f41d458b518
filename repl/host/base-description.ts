import { z } from 'zod';
import { Digest } from '../../protocol/index.ts';

/** What identifies a base image; kept as `base.json` beside its snapshot. */
export const BaseDescription = z.object({
  /** `cpython3.14.2-pyodide314.0.7-img1-x64-47540d3c` */
  runtime: z.string(),
  heapDigest: Digest,
  heapBytes: z.int().positive(),
  /** Length of the WebAssembly function table of every kernel of this base. */
  tableLength: z.int().positive(),
  snapshotSha256: z.string(),
  /** JSON: addresses in the heap of what the host works with. */
  places: z.string(),
});
export type BaseDescription = z.infer<typeof BaseDescription>;

export const SNAPSHOT_FILE = 'snapshot.bin';
export const DESCRIPTION_FILE = 'base.json';
