import { hash } from 'node:crypto';
import type { Digest } from '../protocol/index.ts';

/** The digest that names these bytes. */
export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${hash('sha256', bytes, 'hex')}`;
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
