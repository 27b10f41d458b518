import type { ZodType } from 'zod';
import type { BlobRef, Digest } from '../protocol/index.ts';
import { canonicalJson } from './canonical-json.ts';
import { BlobUnexpected } from './errors.ts';
import type { Store } from './store.ts';
import { decodeUtf8 } from './text.ts';

/** A misfit is most often of the whole value: the first few places say enough. */
const SHOWN_PROBLEMS = 3;

/** Stores a JSON value in canonical form, so that equal values have equal digests. */
export async function putJson(store: Store, value: unknown): Promise<BlobRef> {
  return await store.blobs.put(Buffer.from(canonicalJson(value), 'utf8'));
}

/** The JSON value of a blob, parsed by its schema. Throws BlobUnexpected, which lists what does not fit. */
export async function getJson<T>(store: Store, digest: Digest, schema: ZodType<T>): Promise<T> {
  const text = decodeUtf8(await store.blobs.get(digest));
  let value: unknown;
  try {
    if (text === undefined) throw new SyntaxError('not UTF-8');
    value = JSON.parse(text);
  } catch {
    throw new BlobUnexpected(digest, store.describe(), 'it is not JSON');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .slice(0, SHOWN_PROBLEMS)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
  throw new BlobUnexpected(digest, store.describe(), problems.join('; '));
}
