import type { ManifestEntry, ValueFormat } from '../../protocol/index.ts';

type DocumentInfo = NonNullable<ManifestEntry['document']>;

/** One value that a document was read as. `path` is its place below the document's own: empty but for sheets and keys. */
export interface Leaf {
  path: string[];
  format: ValueFormat;
  /** UTF-8. */
  bytes: Uint8Array;
  /** [start, end] of each page, in characters. */
  pages?: NonNullable<DocumentInfo['pages']>;
  metadata: NonNullable<DocumentInfo['metadata']>;
}

/** A document as values. Each note is a sentence after the document's name: `is read as windows-1252`. */
export interface Converted {
  leaves: Leaf[];
  notes: string[];
}

/** JavaScript holds no longer text than this, so formats that are parsed have this limit; plain text has none but that of an object. */
export const MAX_PARSED_BYTES = 500 * 1000 * 1000;

/** The largest str that a REPL holds, in bytes of its characters. */
export const MAX_OBJECT_BYTES = 2 ** 31 - 1;
