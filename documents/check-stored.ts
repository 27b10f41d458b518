import { isUtf8 } from 'node:buffer';
import type { ManifestEntry } from '../protocol/index.ts';
import { InvalidInput, type Store } from '../store/index.ts';
import { Unreadable } from './errors.ts';
import { MAX_PARSED_BYTES } from './formats/converted.ts';
import { measured } from './measure-leaf.ts';
import { excerptOf, type StoredEntry, widthNotes } from './stored-document.ts';

/** A longer text is shown by what is noted here, not by reading it again. */
const EXCERPT_FROM_BYTES = 1024 * 1024;

/** Checks that a value is in the store as it is listed. A large text of wide characters becomes parts. Throws InvalidInput. */
export async function checkStored(
  store: Store,
  entry: ManifestEntry,
): Promise<{ stored: StoredEntry[]; notes: string[] }> {
  const bytes = await store.blobs.get(entry.blob.digest);
  const name = nameOf(entry);
  const { blob, chars, format } = entry;
  if (bytes.length !== blob.sizeBytes) {
    throw new InvalidInput(
      `${name}: expected ${blob.sizeBytes} bytes, the stored blob has ${bytes.length}`,
    );
  }
  if (!isUtf8(bytes)) throw new InvalidInput(`${name}: expected UTF-8 text`);
  const texts = measure(name, { path: [], format, bytes, metadata: {} });
  const actual = texts.reduce((sum, text) => sum + text.chars, 0);
  if (actual !== chars) {
    throw new InvalidInput(`${name}: expected ${chars} characters, the stored text has ${actual}`);
  }
  if (format === 'json' && !isJson(bytes, name)) throw new InvalidInput(`${name}: expected JSON`);
  const stored: StoredEntry[] = [];
  for (const { leaf, part, chars: own, width } of texts) {
    const short = leaf.bytes.length < EXCERPT_FROM_BYTES;
    stored.push({
      ...entry,
      chars: own,
      ...(part === null ? {} : { part, blob: await store.blobs.put(leaf.bytes) }),
      ...(short || format === 'json' ? {} : { excerpt: excerptOf(leaf.bytes) }),
      heapBytes: own * width,
    });
  }
  return { stored, notes: widthNotes(texts).map((note) => `${name} ${note}`) };
}

function measure(name: string, leaf: Parameters<typeof measured>[0]): ReturnType<typeof measured> {
  try {
    return measured(leaf);
  } catch (error) {
    throw error instanceof Unreadable ? new InvalidInput(`${name} ${error.message}`) : error;
  }
}

/** A leaf cannot lie on or inside another; parts of one text lie on each other. */
export function checkPaths(entries: readonly ManifestEntry[]): void {
  const leaves = new Set<string>();
  const dicts = new Set<string>();
  for (const entry of entries) {
    const key = JSON.stringify(entry.path);
    const parents = entry.path.map((_, depth) => JSON.stringify(entry.path.slice(0, depth)));
    const again = leaves.has(key) && !(entry.part !== undefined && entry.part > 0);
    if (again || dicts.has(key) || parents.some((parent) => leaves.has(parent))) {
      throw new InvalidInput(`${nameOf(entry)}: listed twice, or both a value and a dict`);
    }
    leaves.add(key);
    for (const parent of parents) dicts.add(parent);
  }
}

function isJson(bytes: Buffer, name: string): boolean {
  if (bytes.length > MAX_PARSED_BYTES) {
    throw new InvalidInput(`${name}: a JSON value may have 500 MB, split it`);
  }
  try {
    JSON.parse(bytes.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

function nameOf({ path }: ManifestEntry): string {
  return ['input', ...path].join('.');
}
