import { caps, type Digest, type TextRef } from '../protocol/index.ts';
import { digestOf } from './digest.ts';
import { BlobUnexpected } from './errors.ts';
import type { Store } from './store.ts';

/** Stores a text as UTF-8 and returns its ref. Lone surrogates become U+FFFD: they have no UTF-8 form. */
export async function putText(store: Store, text: string): Promise<TextRef> {
  const bytes = Buffer.from(text.toWellFormed(), 'utf8');
  await store.blobs.put(bytes);
  return refOf(bytes);
}

/** The ref that `putText` would return; stores nothing. */
export function textRefOf(text: string): TextRef {
  return refOf(Buffer.from(text.toWellFormed(), 'utf8'));
}

/** The text behind a ref or digest; a ref that carries its text needs no store. Throws BlobUnexpected when the blob is not UTF-8. */
export async function getText(store: Store, from: TextRef | Digest): Promise<string> {
  if (typeof from !== 'string') {
    if (from.text !== undefined) return from.text;
    // Nobody stores nothing.
    if (from.sizeBytes === 0) return '';
  }
  const digest = typeof from === 'string' ? from : from.digest;
  const bytes = await store.blobs.get(digest);
  const text = decodeUtf8(bytes);
  if (text === undefined)
    throw new BlobUnexpected(digest, store.describe(), 'it is not UTF-8 text');
  return text;
}

/** Strict UTF-8, a byte order mark kept; undefined when the bytes are none. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Code points of UTF-8 bytes: what Python's `len` says of the text. */
export function countChars(utf8: Uint8Array): number {
  let continuation = 0;
  for (const byte of utf8) if ((byte & 0xc0) === 0x80) continuation += 1;
  return utf8.length - continuation;
}

function refOf(bytes: Buffer): TextRef {
  const ref = { digest: digestOf(bytes), sizeBytes: bytes.length, chars: countChars(bytes) };
  if (bytes.length <= caps.INLINE_TEXT_BYTES) return { ...ref, text: bytes.toString('utf8') };
  return {
    ...ref,
    head: bytes.toString('utf8', 0, boundaryBefore(bytes, caps.TEXT_HEAD_BYTES)),
    tail: bytes.toString('utf8', boundaryAfter(bytes, bytes.length - caps.TEXT_TAIL_BYTES)),
  };
}

/** The last position at or before `at` where a code point starts. */
function boundaryBefore(bytes: Buffer, at: number): number {
  let position = at;
  while (position > 0 && (bytes.readUInt8(position) & 0xc0) === 0x80) position -= 1;
  return position;
}

/** The first position at or after `at` where a code point starts. */
function boundaryAfter(bytes: Buffer, at: number): number {
  let position = at;
  while (position < bytes.length && (bytes.readUInt8(position) & 0xc0) === 0x80) position += 1;
  return position;
}
