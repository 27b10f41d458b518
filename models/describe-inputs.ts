import type { ManifestEntry } from '../protocol/index.ts';
import { getText, type Store } from '../store/index.ts';
import { describeJson } from './describe-json.ts';
import { fenceFor, grouped, headAndTail } from './excerpt.ts';

/** Inputs described with head and tail; the others are listed with their sizes, and beyond LISTED only counted. */
const EXCERPTED = 12;
export const LISTED = 100;
const HEAD_CHARS = 400;
const TAIL_CHARS = 200;
/** A larger blob is not read for its excerpt: the first cell shows it faster. */
const EXCERPT_BLOB_BYTES = 256 * 1024 * 1024;
/** A larger JSON text is not parsed to say what is in it. */
const PARSED_BYTES = 16 * 1024 * 1024;

/** What is in each input: its name in Python, its type, its size, and its head and tail, or with `whole` all of it. */
export async function describeInputs(
  store: Store,
  entries: readonly ManifestEntry[],
  whole: boolean,
): Promise<string> {
  if (entries.length === 0) return 'There are no inputs.';
  const lines: string[] = [];
  for (const [index, entry] of entries.slice(0, LISTED).entries()) {
    const isShown = whole || (index < EXCERPTED && entry.blob.sizeBytes <= EXCERPT_BLOB_BYTES);
    const text = isShown ? await getText(store, entry.blob.digest) : null;
    lines.push(`- \`${nameOf(entry)}\`: ${describe(entry, text)}${excerptOf(text, whole)}`);
  }
  if (entries.length > LISTED) lines.push(`- and ${grouped(entries.length - LISTED)} more`);
  return lines.join('\n');
}

/** What kind of thing the variable itself is. */
export function shapeOf(entries: readonly ManifestEntry[]): string {
  const only = entries[0];
  if (entries.length === 1 && only?.path.length === 0) return `one ${typeOf(only)}`;
  const keys = [...new Set(entries.map((entry) => entry.path[0] ?? ''))];
  const shown = keys.slice(0, 20).map((key) => JSON.stringify(key));
  const more = keys.length > shown.length ? `, and ${keys.length - shown.length} more` : '';
  return `a dict with the keys ${shown.join(', ')}${more}`;
}

function describe(entry: ManifestEntry, text: string | null): string {
  const { document, format, chars, blob, path } = entry;
  const isParsed = format === 'json' && text !== null && blob.sizeBytes <= PARSED_BYTES;
  const kind = isParsed ? `${describeJson(text)}, from JSON of` : `${typeOf(entry)},`;
  const pages = document?.pages?.length ?? 0;
  const name = document?.name ?? '';
  const more = [
    ...(pages === 0 ? [] : [`, ${grouped(pages)} ${pages === 1 ? 'page' : 'pages'}`]),
    ...(name === '' || name === path.at(-1) ? [] : [`, named ${JSON.stringify(name)}`]),
  ];
  return `${kind} ${grouped(chars)} ${chars === 1 ? 'character' : 'characters'}${more.join('')}`;
}

function excerptOf(text: string | null, whole: boolean): string {
  if (text === null) return '';
  const shown = whole ? text.trim() : headAndTail(text.trim(), HEAD_CHARS, TAIL_CHARS);
  // An input must not be able to close its fence and speak as the engine.
  const fence = fenceFor(shown);
  return `\n${fence}text\n${shown}\n${fence}`;
}

function nameOf(entry: ManifestEntry): string {
  return `input_data${entry.path.map((key) => `[${JSON.stringify(key)}]`).join('')}`;
}

function typeOf({ format, document }: ManifestEntry): string {
  if (format === 'json') return 'JSON value (as `json.loads` gives it)';
  return document === undefined ? 'str' : 'Document';
}
