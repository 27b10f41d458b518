import { z } from 'zod';
import { type Digest, documentRecordKey, ManifestEntry } from '../protocol/index.ts';
import { BlobMissing, getJson, putJson, type Store } from '../store/index.ts';
import type { ReadResult } from './converter.ts';
import { named, type MeasuredLeaf } from './measure-leaf.ts';
import { megabytes } from './formats/read-text.ts';

/** Changes when documents are read in another way: what was stored before is then read anew. */
const READER = 'reader-1';
const HEAD_CHARS = 400;
const TAIL_CHARS = 200;
/** A wide text is worth a sentence from here on. */
const WIDE_BYTES = 64 * 1000 * 1000;

/** What a file was read as, with everything but its own name. Content of a blob (JSON), found by a record of the file's digest. */
const StoredDocument = z.object({
  entries: z.array(ManifestEntry.extend({ heapBytes: z.int().nonnegative() })),
  notes: z.array(z.string()),
});
export type StoredDocument = z.infer<typeof StoredDocument>;
export type StoredEntry = StoredDocument['entries'][number];

/** What a file was read as before, if all of it is still there. It may have been read for another run, which may be forgotten: from here on this one keeps it too. */
export async function findDocument(
  store: Store,
  name: string,
  file: Digest,
): Promise<StoredDocument | null> {
  const record = await store.records.find(keyOf(name, file));
  if (record === undefined) return null;
  try {
    await store.blobs.touch(record);
    const document = await getJson(store, record, StoredDocument);
    for (const { blob } of document.entries) await store.blobs.touch(blob.digest);
    return document;
  } catch (error) {
    if (error instanceof BlobMissing) return null;
    throw error;
  }
}

/** Stores what a file was read as. The first that does it is found by all. `isStored`: the file itself is in the store. */
export async function storeDocument(
  store: Store,
  name: string,
  { file, isStored }: { file: Digest; isStored: boolean },
  { texts, notes }: ReadResult,
): Promise<StoredDocument> {
  const entries: StoredEntry[] = [];
  for (const text of texts) {
    // Most texts are their files: a gigabyte need not be hashed and written again.
    const known = isStored && text.unchanged === true ? file : null;
    entries.push(await storeLeaf(store, text, known));
  }
  const document: StoredDocument = { entries, notes: [...notes, ...widthNotes(texts)] };
  const { digest } = await putJson(store, document);
  await store.records.create(keyOf(name, file), digest);
  return document;
}

/** A file of the same bytes and another ending is read in another way. */
function keyOf(name: string, file: Digest): string {
  const extension = /\.([a-z0-9]{1,8})$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  return documentRecordKey(READER, extension, file);
}

async function storeLeaf(
  store: Store,
  text: MeasuredLeaf,
  known: Digest | null,
): Promise<StoredEntry> {
  const { leaf, part, firstPage, chars, width } = text;
  const blob =
    known === null
      ? await store.blobs.put(leaf.bytes)
      : { digest: known, sizeBytes: leaf.bytes.length };
  return {
    path: leaf.path,
    format: leaf.format,
    blob,
    chars,
    document: {
      name: '',
      ...(leaf.pages === undefined ? {} : { pages: leaf.pages }),
      metadata: leaf.metadata,
      ...(firstPage === 1 ? {} : { firstPage }),
    },
    ...(part === null ? {} : { part }),
    excerpt: excerptOf(leaf.bytes),
    heapBytes: chars * width,
  };
}

/** Beginning and end, for prompts. */
export function excerptOf(utf8: Uint8Array): { head: string; tail: string } {
  const bytes = Buffer.from(utf8.buffer, utf8.byteOffset, utf8.byteLength);
  const head = Array.from(sliced(bytes, 0, Math.min(bytes.length, 4 * HEAD_CHARS)));
  const tail = Array.from(sliced(bytes, Math.max(0, bytes.length - 4 * TAIL_CHARS), bytes.length));
  return { head: head.slice(0, HEAD_CHARS).join(''), tail: tail.slice(-TAIL_CHARS).join('') };
}

/** Cut between characters. */
function sliced(bytes: Buffer, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && (bytes.readUInt8(start) & 0xc0) === 0x80) start += 1;
  while (end < bytes.length && end > start && (bytes.readUInt8(end) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', start, end);
}

/** Why a text takes more than its characters, and that it is in parts. */
export function widthNotes(texts: readonly MeasuredLeaf[]): string[] {
  const heapBytes = texts.reduce((sum, { chars, width }) => sum + chars * width, 0);
  const parts = texts.filter(({ part }) => part !== null).length;
  const widest = texts.find(
    (text) => text.widest !== null && text.width === Math.max(...texts.map((t) => t.width)),
  );
  if (widest?.widest == null || (heapBytes < WIDE_BYTES && parts === 0)) return [];
  const before = texts.slice(0, texts.indexOf(widest)).reduce((sum, { chars }) => sum + chars, 0);
  const { character, at } = widest.widest;
  const where = `${named(character)} at character ${(before + at).toLocaleString('en')}`;
  const split = parts > 0 ? `; it is split into ${parts} parts below 256 MB` : '';
  return [
    `takes ${megabytes(heapBytes)} MB of the heap: its widest character, ${where}, takes ${widest.width} bytes, and so does each beside it${split} (one object may have 2 GiB, a heap 4 GiB)`,
  ];
}
