import { caps, type Citation } from '../protocol/index.ts';
import { CharIndex } from './char-index.ts';
import { LooseQuote } from './loose-quote.ts';

/** What to look up in an input: see `Citation`. */
export type Wanted = Pick<Citation, 'input' | 'quote' | 'start' | 'end'>;

/** Where it stands: offsets in code points, and the words as they stand there. `leaf` names the text within a JSON value, from the value down. */
export interface Found {
  readonly start: number;
  readonly end: number;
  readonly quote: string;
  readonly leaf?: string;
}

/**
 * Where each citation stands in a text (UTF-8); null where it does not. Words are looked for where the offsets say, then
 * from the beginning, then with other white space, quotation marks and dashes. Offsets alone name what stands there.
 */
export function findQuotes(utf8: Uint8Array, wanted: readonly Wanted[]): (Found | null)[] {
  return findAll(utf8, wanted.map(prepared));
}

/** A citation made ready once for all texts that it is looked up in. */
interface Prepared extends Wanted {
  readonly words: Buffer;
  readonly loose: LooseQuote;
}

function prepared(citation: Wanted): Prepared {
  const quote = citation.quote ?? '';
  return { ...citation, words: Buffer.from(quote, 'utf8'), loose: new LooseQuote(quote) };
}

function findAll(utf8: Uint8Array, wanted: readonly Prepared[]): (Found | null)[] {
  const bytes = Buffer.from(utf8.buffer, utf8.byteOffset, utf8.byteLength);
  const index = new CharIndex(bytes);
  return wanted.map((citation) => findOne(bytes, index, citation));
}

function findOne(
  bytes: Buffer,
  index: CharIndex,
  { quote, start, end, words, loose }: Prepared,
): Found | null {
  if (quote === null) {
    if (start === null || end === null || end <= start || end - start > caps.QUOTE_CHARS)
      return null;
    const [from, to] = [index.toByte(start), index.toByte(end)];
    return from === null || to === null ? null : { start, end, quote: textOf(bytes, from, to) };
  }
  const found = (from: number, to: number): Found => ({
    start: index.toChar(from),
    end: index.toChar(to),
    quote: textOf(bytes, from, to),
  });
  const told = start === null ? null : index.toByte(start);
  if (told !== null && bytes.subarray(told, told + words.length).equals(words)) {
    return found(told, told + words.length);
  }
  const exact = bytes.indexOf(words);
  if (exact >= 0) return found(exact, exact + words.length);
  const place = loose.find(bytes);
  return place === null ? null : found(...place);
}

function textOf(bytes: Buffer, from: number, to: number): string {
  return bytes.toString('utf8', from, to);
}

/**
 * The same for the texts in a JSON value, however deep: `name` is how the value itself is called. A citation that names
 * a text of it, or a dict or list in it, is looked up there; one without a name in all of them.
 */
export function findQuotesInJson(
  json: string,
  name: string,
  wanted: readonly Wanted[],
): (Found | null)[] {
  const ready = wanted.map(prepared);
  const found: (Found | null)[] = wanted.map(() => null);
  for (const [leaf, text] of textsOf(JSON.parse(json), name)) {
    const open = [...ready.entries()].filter(
      ([at, { input }]) => found[at] === null && (input === null || isNamed(leaf, name, input)),
    );
    if (open.length === 0) continue;
    const places = findAll(
      Buffer.from(text, 'utf8'),
      open.map(([, citation]) => citation),
    );
    for (const [i, [at]] of open.entries()) {
      const place = places[i];
      if (place) found[at] = { ...place, leaf };
    }
  }
  return found;
}

/** The texts in a value with their names, as the REPL's search names them: `rows[3]/title`. */
function* textsOf(value: unknown, name: string): Generator<[name: string, text: string]> {
  if (typeof value === 'string') yield [name, value];
  else if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) yield* textsOf(item, `${name}[${at}]`);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      yield* textsOf(item, name === '' ? key : `${name}/${key}`);
    }
  }
}

/** A search names what it finds from the dict or list on that it was given, which may be any one above it. */
function isNamed(leaf: string, value: string, input: string): boolean {
  const starts = [0, value.length, ...[...leaf.matchAll(/\//g)].map(({ index }) => index + 1)];
  return starts.some((from) => {
    const name = leaf.slice(from).replace(/^\//, '');
    return name === input || name.startsWith(`${input}/`) || name.startsWith(`${input}[`);
  });
}
