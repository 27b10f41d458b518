import { z } from 'zod';
import { INLINE_TEXT_BYTES } from './caps.ts';
import { Digest } from './digest.ts';

/**
 * A text by digest of its UTF-8 bytes. Carries the text itself when it is at most INLINE_TEXT_BYTES,
 * else its head and tail (cut at code points). The whole text is always in the store.
 */
export const TextRef = z.object({
  digest: Digest,
  sizeBytes: z.int().nonnegative(),
  chars: z.int().nonnegative(),
  text: z.string().max(INLINE_TEXT_BYTES).optional(),
  head: z.string().max(INLINE_TEXT_BYTES).optional(),
  tail: z.string().max(INLINE_TEXT_BYTES).optional(),
});
export type TextRef = z.infer<typeof TextRef>;

/** The empty text. Named here because a workflow cannot hash. */
export const EMPTY_TEXT: TextRef = {
  digest: 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  sizeBytes: 0,
  chars: 0,
  text: '',
};
