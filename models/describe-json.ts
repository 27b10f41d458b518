import { grouped } from './excerpt.ts';

/** Keys that are named of one dict. */
const KEYS = 12;
const KEY_CHARS = 40;

/** What Python makes of a JSON text, in a few words: `list of 1,204 dicts with the keys "id", "total"`. */
export function describeJson(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'JSON value';
  }
  if (!Array.isArray(value)) return typeName(value) + keysOf([value]);
  const items: readonly unknown[] = value;
  const kinds = new Set(items.map((item) => typeName(item)));
  const [kind = 'item'] = kinds;
  const count = `list of ${grouped(items.length)}`;
  if (kinds.size !== 1) return items.length === 0 ? 'empty list' : `${count} items`;
  return `${count} ${kind}${items.length === 1 ? '' : 's'}${keysOf(items)}`;
}

/** Keys of the first dicts: rows of a table mostly have the same ones. */
function keysOf(values: readonly unknown[]): string {
  const keys = new Set<string>();
  for (const value of values.slice(0, 100)) {
    if (typeName(value) !== 'dict') continue;
    for (const key of Object.keys(Object(value))) keys.add(key);
  }
  if (keys.size === 0) return '';
  const shown = [...keys].slice(0, KEYS).map((key) => JSON.stringify(key.slice(0, KEY_CHARS)));
  const more = keys.size > KEYS ? `, and ${grouped(keys.size - KEYS)} more` : '';
  return ` with the ${keys.size === 1 ? 'key' : 'keys'} ${shown.join(', ')}${more}`;
}

function typeName(value: unknown): string {
  if (value === null) return 'None';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'number' ? 'number' : 'dict';
}
