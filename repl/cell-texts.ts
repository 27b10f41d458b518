import { type Digest, type Edit, EMPTY_TEXT, Manifest, type TextRef } from '../protocol/index.ts';
import { decodeUtf8, getJson, getText, putText, type Store } from '../store/index.ts';
import { inParallel } from './journal.ts';

/** A blob that becomes a text in the heap. */
export interface EditText {
  digest: Digest;
  utf8: Buffer;
  /** It becomes a `Document`, which then needs no copy of it. */
  document: boolean;
}

/** Reads the blobs that edits name. Large values travel as attachments, never as JSON. */
export async function loadEdits(
  store: Store,
  edits: readonly Edit[],
): Promise<{ edits: unknown[]; texts: EditText[] }> {
  const digests: Digest[] = [];
  const told: unknown[] = [];
  const documents = new Set<number>();
  for (const edit of edits) {
    if (edit.kind === 'set') {
      const { kind, variable, format } = edit;
      told.push({ kind, variable, format, text: digests.push(edit.blob) - 1 });
    } else if (edit.kind === 'setManifest') {
      const manifest = await getJson(store, edit.manifest, Manifest);
      const entries = manifest.entries.map(({ path, format, blob, document, part }) => {
        const text = digests.push(blob.digest) - 1;
        if (document !== undefined && format === 'text') documents.add(text);
        return {
          path,
          format,
          text,
          ...(document && { document }),
          ...(part !== undefined && { part }),
        };
      });
      const { kind, variable, merge } = edit;
      told.push({ kind, variable, entries, ...(merge && { merge }) });
    } else if (edit.kind === 'setTools') {
      told.push({ kind: edit.kind, text: digests.push(edit.toolbox) - 1 });
    } else if (edit.kind === 'setItemBlob' || edit.kind === 'extend') {
      const { blob, ...rest } = edit;
      told.push({ ...rest, text: digests.push(blob) - 1 });
    } else told.push(edit);
  }
  const read = await inParallel(digests, async (digest) => ({
    digest,
    utf8: await store.blobs.get(digest),
  }));
  const texts = read.map((text, index) => ({ ...text, document: documents.has(index) }));
  return { edits: told, texts };
}

export async function loadCode(store: Store, code: TextRef): Promise<string> {
  return getText(store, code);
}

/** A text that came out of a kernel, stored. What is not UTF-8, which only a forged report can hold, is mended. */
export async function storeText(store: Store, bytes: Buffer): Promise<TextRef> {
  // Nobody reads it, and most cells have two of them.
  if (bytes.length === 0) return EMPTY_TEXT;
  return putText(store, decodeUtf8(bytes) ?? bytes.toString('utf8'));
}
