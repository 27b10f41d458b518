import { Unreadable } from '../errors.ts';
import type { Converted, Leaf } from './converted.ts';
import { parsable } from './read-text.ts';

/** Texts of a dict that are listed one by one. */
const MAX_TEXTS = 2000;

/**
 * The value of a JSON document. A text or a dict of texts becomes one, so that it is listed text by text; anything else
 * goes to Python as it is written, since JavaScript would change `1.0`, large integers and the order of numeric keys.
 */
export function readJson(bytes: Uint8Array): Converted {
  const { text, utf8, encoding, notes } = parsable(bytes, 'a JSON document');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Unreadable(`is not valid JSON: ${reason}`);
  }
  const metadata = { format: 'json', encoding };
  const texts = typeof value === 'string' ? [['', value] as const] : textsOf(value);
  if (texts === null) {
    const shape = shapeOf(value);
    return {
      leaves: [{ path: [], format: 'json', bytes: utf8, metadata: { ...metadata, ...shape } }],
      notes,
    };
  }
  const leaves = texts.map(([key, item]): Leaf => ({
    path: key === '' ? [] : [key],
    format: 'text',
    bytes: Buffer.from(item.toWellFormed()),
    metadata,
  }));
  return { leaves, notes };
}

function textsOf(value: unknown): [string, string][] | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const texts: [string, string][] = [];
  for (const [key, item] of Object.entries(value)) {
    const isOwnName = key !== '' && key.length <= 500 && key.isWellFormed();
    if (typeof item !== 'string' || !isOwnName || /^\d+$/.test(key)) return null;
    texts.push([key, item]);
  }
  const listable = texts.length > 0 && texts.length <= MAX_TEXTS;
  return listable && !Object.hasOwn(value, '__proto__') ? texts : null;
}

/** What a list of dicts looks like, as for other tables. */
function shapeOf(value: unknown): { rows?: number; columns?: string[] } {
  if (!Array.isArray(value)) return {};
  const columns = new Set<string>();
  for (const item of value.slice(0, 1000)) {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return {};
    for (const key of Object.keys(item)) columns.add(key);
  }
  return columns.size === 0
    ? {}
    : { rows: value.length, columns: [...columns].slice(0, 200).map((key) => key.toWellFormed()) };
}
