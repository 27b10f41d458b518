import type { Manifest, ManifestEntry } from '../protocol/index.ts';
import { getText, type Store } from '../store/index.ts';
import { describeJson } from './describe-json.ts';
import { fenceFor, grouped, headAndTail } from './excerpt.ts';

/** Inputs described with head and tail; the others are listed with their sizes, and beyond LISTED only counted. */
const EXCERPTED = 12;
export const LISTED = 100;
const HEAD_CHARS = 400;
const TAIL_CHARS = 200;
/** A larger blob is not read where the manifest says how it begins and ends, and one that is larger still not at all: the first cell shows it faster. */
const READ_BYTES = 1024 * 1024;
const MOST_READ_BYTES = 256 * 1024 * 1024;
/** A larger JSON text is not parsed to say what is in it. */
const PARSED_BYTES = 16 * 1024 * 1024;
/** Sentences of ingest about the inputs. */
const NOTES = 20;
const NOTE_CHARS = 400;

/** One input as Python has it: an entry, or the entries of a text in parts. */
type Input = readonly [ManifestEntry, ...ManifestEntry[]];

/** What is in each input: its name in Python, its type, its size, and its head and tail, or with `whole` all of it; then what was noted when they were read. */
export async function describeInputs(
  store: Store,
  { entries, notes = [] }: Manifest,
  whole: boolean,
): Promise<string> {
  const inputs = inputsOf(entries);
  const lines: string[] = inputs.length === 0 ? ['There are no inputs.'] : [];
  for (const [index, input] of inputs.slice(0, LISTED).entries()) {
    const isShown = whole || index < EXCERPTED;
    lines.push(await describe(store, input, isShown, whole));
  }
  if (inputs.length > LISTED) lines.push(`- and ${grouped(inputs.length - LISTED)} more`);
  return [...lines, ...noted(notes)].join('\n');
}

function noted(notes: readonly string[]): string[] {
  if (notes.length === 0) return [];
  const shown = notes.slice(0, NOTES).map((note) => {
    const line = note.replaceAll(/\s+/g, ' ').trim();
    return `- ${line.length <= NOTE_CHARS ? line : `${line.slice(0, NOTE_CHARS).toWellFormed()}…`}`;
  });
  const more = notes.length - shown.length;
  if (more > 0) shown.push(`- and ${grouped(more)} more`);
  return ['', 'Noted when they were read:', ...shown];
}

/** What kind of thing the variable itself is. */
export function shapeOf(entries: readonly ManifestEntry[]): string {
  const [only, ...others] = inputsOf(entries);
  if (only !== undefined && others.length === 0 && only[0].path.length === 0) {
    return `one ${typeOf(only)}`;
  }
  const keys = [...new Set(entries.map((entry) => entry.path[0] ?? ''))];
  const shown = keys.slice(0, 20).map((key) => JSON.stringify(key));
  const more = keys.length > shown.length ? `, and ${keys.length - shown.length} more` : '';
  return `a dict with the keys ${shown.join(', ')}${more}`;
}

/** The parts of a text follow each other under one path. */
function inputsOf(entries: readonly ManifestEntry[]): Input[] {
  const inputs: [ManifestEntry, ...ManifestEntry[]][] = [];
  for (const entry of entries) {
    if ((entry.part ?? 0) > 0) inputs.at(-1)?.push(entry);
    else inputs.push([entry]);
  }
  return inputs;
}

async function describe(
  store: Store,
  input: Input,
  isShown: boolean,
  whole: boolean,
): Promise<string> {
  const [first] = input;
  const { format, blob, document, path } = first;
  const text = isShown ? await readableText(store, input) : null;
  const isParsed = format === 'json' && text !== null && blob.sizeBytes <= PARSED_BYTES;
  const kind = isParsed ? `${describeJson(text)}, from JSON of` : `${typeOf(input)},`;
  const chars = input.reduce((sum, entry) => sum + entry.chars, 0);
  const pages = input.reduce((sum, entry) => sum + (entry.document?.pages?.length ?? 0), 0);
  const name = document?.name ?? '';
  const more = [
    ...(pages === 0 ? [] : [`, ${grouped(pages)} ${pages === 1 ? 'page' : 'pages'}`]),
    ...(name === '' || name === path.at(-1) ? [] : [`, named ${JSON.stringify(name)}`]),
  ];
  const size = `${grouped(chars)} ${chars === 1 ? 'character' : 'characters'}${more.join('')}`;
  const excerpt = isShown ? (text === null ? excerptOf(input) : shorten(text, whole)) : '';
  return `- \`${nameOf(first)}\`: ${kind} ${size}${fenced(excerpt)}`;
}

/** The text of an input that may be read for its description. */
async function readableText(store: Store, [entry, ...parts]: Input): Promise<string | null> {
  const most = entry.excerpt === undefined ? MOST_READ_BYTES : READ_BYTES;
  const isTable = entry.format === 'json' && entry.blob.sizeBytes <= PARSED_BYTES;
  if (parts.length > 0 || (entry.blob.sizeBytes > most && !isTable)) return null;
  return await getText(store, entry.blob.digest);
}

/** Head of the first part, tail of the last. */
function excerptOf(input: Input): string {
  const head = input[0].excerpt?.head ?? '';
  const tail = input.at(-1)?.excerpt?.tail ?? '';
  if (head === '' && tail === '') return '';
  const chars = input.reduce((sum, entry) => sum + entry.chars, 0);
  const shown = [Array.from(head).slice(0, HEAD_CHARS), Array.from(tail).slice(-TAIL_CHARS)];
  const left = chars - shown.reduce((sum, part) => sum + part.length, 0);
  const [start = '', end = ''] = shown.map((part) => part.join(''));
  return `${start}\n… ${grouped(Math.max(0, left))} characters not shown …\n${end}`.trim();
}

function shorten(text: string, whole: boolean): string {
  return whole ? text.trim() : headAndTail(text.trim(), HEAD_CHARS, TAIL_CHARS);
}

/** An input must not be able to close its fence and speak as the engine. */
function fenced(shown: string): string {
  if (shown === '') return '';
  const fence = fenceFor(shown);
  return `\n${fence}text\n${shown}\n${fence}`;
}

function nameOf(entry: ManifestEntry): string {
  return `input_data${entry.path.map((key) => `[${JSON.stringify(key)}]`).join('')}`;
}

function typeOf([{ format, document, part }, ...parts]: Input): string {
  if (part !== undefined) return `Parts (a list of ${parts.length + 1} Documents)`;
  if (format === 'json') return 'JSON value (as `json.loads` gives it)';
  return document === undefined ? 'str' : 'Document';
}
