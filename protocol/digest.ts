import { z } from 'zod';

/** A content digest: `sha256:` and 64 lower-case hex digits. Names a blob in the store. */
export const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256:<64 hex digits>');
export type Digest = z.infer<typeof Digest>;

/** A blob by digest, with its size in bytes. Survives as long as a root record of the store reaches it. */
export const BlobRef = z.object({ digest: Digest, sizeBytes: z.int().nonnegative() });
export type BlobRef = z.infer<typeof BlobRef>;
