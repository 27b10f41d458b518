import type { ManifestEntry, ValueFormat } from '../protocol/index.ts';
import { InvalidInput } from './errors.ts';
import type { InputFiles } from './input-files.ts';
import type { Store } from './store.ts';
import { countChars } from './text.ts';

/** JSON text that goes to Python as it is written, for values that JavaScript would not keep (1.0, large integers). */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What `input_data` can be: a text, files, a dict (nested), or any other JSON value. */
export type InputValue =
  | string
  | number
  | boolean
  | null
  | JsonText
  | InputFiles
  | readonly InputValue[]
  | { readonly [key: string]: InputValue };

/** What one run's spec can list (see `RunSpec.inputs` and the cap of a payload). */
const MAX_ENTRIES = 200;
const MAX_LIST_BYTES = 32 * 1024;
/** Of an entry besides its path. */
const ENTRY_BYTES = 170;
const MAX_DEPTH = 8;
const MAX_KEY_CHARS = 500;

interface Leaf {
  path: string[];
  value: InputValue;
}

/**
 * Stores a value and returns what a spec lists of it: one entry a text, however deep in dicts; other values, and dicts
 * too deep for the list to hold their texts, as JSON. Python sees the same value either way. Throws InvalidInput, which
 * names the path, for what JSON cannot hold; then nothing was stored.
 */
export async function uploadInputs(store: Store, value: InputValue): Promise<ManifestEntry[]> {
  const encoded = listLeaves(value).map((leaf) => encode(leaf));
  const entries: ManifestEntry[] = [];
  for (const { path, format, text } of encoded) {
    const bytes = Buffer.from(text, 'utf8');
    const blob = await store.blobs.put(bytes);
    entries.push({ path, format, blob, chars: countChars(bytes) });
  }
  return entries;
}

/** The leaves of a value, taking dicts apart as deep as the list has room for. */
function listLeaves(value: InputValue): Leaf[] {
  for (let depth = MAX_DEPTH; depth > 0; depth -= 1) {
    const leaves = leavesOf(value, [], depth);
    if (fits(leaves)) return leaves;
  }
  return [{ path: [], value }];
}

function fits(leaves: Leaf[]): boolean {
  if (leaves.length > MAX_ENTRIES) return false;
  const listed = leaves.map(({ path }) => ({ path, others: 'x'.repeat(ENTRY_BYTES) }));
  return Buffer.byteLength(JSON.stringify(listed)) <= MAX_LIST_BYTES;
}

function leavesOf(value: InputValue, path: string[], depth: number): Leaf[] {
  if (!isDict(value) || path.length >= depth || !canBeListed(value)) return [{ path, value }];
  return Object.entries(value).flatMap(([key, item]) => leavesOf(item, [...path, key], depth));
}

/** An empty dict has no leaf that could stand for it, and a manifest limits its keys. */
export function canBeListed(dict: Record<string, InputValue>): boolean {
  const keys = Object.keys(dict);
  return (
    keys.length > 0 &&
    keys.every((key) => key !== '' && key.length <= MAX_KEY_CHARS && key.isWellFormed())
  );
}

function encode({ path, value }: Leaf): { path: string[]; format: ValueFormat; text: string } {
  if (typeof value === 'string') return { path, format: 'text', text: value.toWellFormed() };
  return { path, format: 'json', text: jsonOf(value, path) };
}

export function isDict(value: InputValue): value is { readonly [key: string]: InputValue } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  // Compared by shape: a value may come from another realm (a test runner's).
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** JSON with the dict's own order of keys, which Python keeps; refuses what JSON.stringify would change or drop. */
function jsonOf(value: InputValue, path: string[]): string {
  if (value instanceof JsonText) return value.text;
  if (value === null || typeof value === 'boolean' || typeof value === 'string') {
    return JSON.stringify(value);
  }
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) {
    const items: readonly InputValue[] = value;
    return `[${items.map((item, i) => jsonOf(item, [...path, String(i)])).join(',')}]`;
  }
  if (isDict(value)) {
    const fields = Object.entries(value).map(
      ([key, item]) => `${JSON.stringify(key)}:${jsonOf(item, [...path, key])}`,
    );
    return `{${fields.join(',')}}`;
  }
  const place = ['input', ...path].join('.');
  throw new InvalidInput(`${place}: expected text, a dict or another JSON value`);
}
