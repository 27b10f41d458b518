import { inspect } from 'node:util';
import type { ZodType } from 'zod';
import type { BlobRef, Digest } from '../protocol/index.ts';
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

/**
 * JSON text with the keys of each object in code-unit order and no spaces. As JSON.stringify, keys whose value is
 * undefined are left out; unlike it, a value that JSON cannot hold (NaN, a bigint, a function) is refused.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') {
    return JSON.stringify(value);
  }
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
  if (typeof value === 'object' && isPlain(value)) {
    const fields = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`);
    return `{${fields.join(',')}}`;
  }
  throw new TypeError(`not a JSON value: ${inspect(value, { depth: 0 })}`);
}

function isPlain(value: object): boolean {
  // Compared by shape: a value may come from another realm (a test runner's, a sandbox's).
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
