import { createHash, hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Digest } from '../protocol/index.ts';

/** The digest that names these bytes. */
export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${hash('sha256', bytes, 'hex')}`;
}

/** Bytes that are hashed without a pause: some hundredths of a second. */
const PIECE_BYTES = 16 * 1024 * 1024;

/** The same, with pauses in which timers run: a gigabyte takes longer than the heartbeat of a step may be late. */
export async function digestOfLarge(bytes: Uint8Array): Promise<Digest> {
  if (bytes.length <= PIECE_BYTES) return digestOf(bytes);
  const hashing = createHash('sha256');
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    hashing.update(bytes.subarray(at, at + PIECE_BYTES));
    await setImmediate();
  }
  return `sha256:${hashing.digest('hex')}`;
}

/** The 64 hex digits of a digest. Throws on anything else, so that a digest can stand in a path. */
export function hexOf(digest: Digest): string {
  const match = /^sha256:([0-9a-f]{64})$/.exec(digest);
  if (match?.[1] === undefined) {
    throw new TypeError(
      `not a digest: ${JSON.stringify(digest)} (expected sha256:<64 hex digits>)`,
    );
  }
  return match[1];
}
