import { countChars } from '../../store/index.ts';
import { Unreadable } from '../errors.ts';
import type { Converted, Leaf } from './converted.ts';
import { MAX_PARSED_BYTES } from './converted.ts';
import { decodeText } from './decode-text.ts';

export interface DecodedDocument {
  utf8: Buffer;
  encoding: string;
  notes: string[];
}

/** The text of a document's bytes; a guess about its encoding is a note. Throws Unreadable for what is no text. */
export function decoded(bytes: Uint8Array, declared?: string): DecodedDocument {
  const found = decodeText(bytes, declared);
  if ('binary' in found) throw new Unreadable(`is ${found.binary}: convert it to text`);
  const { utf8, encoding, guessed } = found;
  const how = guessed ? ' (guessed from its bytes)' : '';
  return {
    utf8,
    encoding,
    notes: encoding === 'utf-8' ? [] : [`is not UTF-8: read as ${encoding}${how}`],
  };
}

/** The same as a string, for formats that are parsed. */
export function parsable(
  bytes: Uint8Array,
  what: string,
  declared?: string,
): DecodedDocument & { text: string } {
  const document = decoded(bytes, declared);
  if (document.utf8.length > MAX_PARSED_BYTES) {
    throw new Unreadable(
      `is ${what} of ${megabytes(document.utf8.length)} MB: such a document may have ${megabytes(MAX_PARSED_BYTES)} MB, split it`,
    );
  }
  return { ...document, text: document.utf8.toString('utf8') };
}

/** Plain text, Markdown, source code. Form feeds are ends of pages. */
export function readText(bytes: Uint8Array): Converted {
  const { utf8, encoding, notes } = decoded(bytes);
  const pages = pagesBetween(utf8);
  const leaf: Leaf = {
    path: [],
    format: 'text',
    bytes: utf8,
    metadata: { format: 'text', encoding },
    ...(pages === null ? {} : { pages }),
  };
  return { leaves: [leaf], notes };
}

const FORM_FEED = 12;

function pagesBetween(utf8: Buffer): [number, number][] | null {
  if (!utf8.includes(FORM_FEED)) return null;
  const pages: [number, number][] = [];
  let chars = 0;
  for (let from = 0; from < utf8.length;) {
    const found = utf8.indexOf(FORM_FEED, from);
    const end = found < 0 ? utf8.length : found + 1;
    const size = countChars(utf8.subarray(from, end));
    pages.push([chars, chars + size]);
    chars += size;
    from = end;
  }
  return pages;
}

/** Characters as Python counts them, of a text without lone surrogates. */
export function charsOf(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit < 0xdc00) count -= 1;
  }
  return count;
}

export function megabytes(bytes: number): string {
  return Math.ceil(bytes / 1e6).toLocaleString('en');
}
