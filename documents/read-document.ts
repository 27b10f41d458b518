import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { decodeText, type TextEncodingName } from './decode-text.ts';
import { InvalidDocument } from './errors.ts';

/** A document as text. `note` is one sentence when something about it was guessed, else null. */
export interface Document {
  name: string;
  text: string;
  encoding: TextEncodingName;
  note: string | null;
}

/** Larger texts do not fit a JavaScript string together with their bytes. */
const MAX_DOCUMENT_BYTES = 400 * 1024 * 1024;

/** Reads a text file of any common encoding, a byte order mark dropped. Throws InvalidDocument for anything that is none. */
export async function readDocument(path: string): Promise<Document> {
  let bytes: Uint8Array;
  try {
    const info = await stat(path);
    if (info.isDirectory()) throw new InvalidDocument(`${path} is a folder, not a file`);
    if (info.size > MAX_DOCUMENT_BYTES) {
      const size = Math.ceil(info.size / 1024 / 1024);
      throw new InvalidDocument(`${path} has ${size} MiB: a document may have 400 MiB, split it`);
    }
    bytes = await readFile(path);
  } catch (error) {
    throw toInvalidDocument(error, path);
  }
  return documentOf(path, bytes);
}

/** Bytes from elsewhere (stdin) as a document. */
export function documentOf(path: string, bytes: Uint8Array): Document {
  const decoded = decodeText(bytes);
  if ('binary' in decoded) {
    throw new InvalidDocument(`${path} is ${decoded.binary}: convert it to text first`);
  }
  const { text, encoding } = decoded;
  const note = encoding === 'utf-8' ? null : `${path} is not UTF-8: read as ${encoding}`;
  return { name: basename(path), text, encoding, note };
}

/** A system error about a path as one sentence; anything else unchanged. */
export function toInvalidDocument(error: unknown, path: string): unknown {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new InvalidDocument(`there is no file or folder ${path}`);
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new InvalidDocument(`${path} cannot be read: no permission`);
  }
  return error;
}
