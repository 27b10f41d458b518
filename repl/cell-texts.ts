import { type Digest, type Edit, EMPTY_TEXT, Manifest, type TextRef } from '../protocol/index.ts';
import { decodeUtf8, getJson, getText, putText, type Store } from '../store/index.ts';
import { inParallel } from './journal.ts';

/** A blob that becomes a text in the heap. Without a digest: the text is made of one, and an image does not refer to it. */
export interface EditText {
  digest: Digest | null;
  utf8: Buffer;
  /** It becomes a `Document`, which then needs no copy of it. */
  document: boolean;
}

/** Reads the blobs that edits name. Large values travel as attachments, never as JSON. */
export async function loadEdits(
  store: Store,
  edits: readonly Edit[],
): Promise<{ edits: unknown[]; texts: EditText[] }> {
  const blobs: { digest: Digest; binary?: true }[] = [];
  const told: unknown[] = [];
  const documents = new Set<number>();
  for (const edit of edits) {
    if (edit.kind === 'set') {
      const { kind, variable, format } = edit;
      told.push({ kind, variable, format, text: blobs.push({ digest: edit.blob }) - 1 });
    } else if (edit.kind === 'setManifest') {
      const manifest = await getJson(store, edit.manifest, Manifest);
      const entries = manifest.entries.map(({ path, format, blob, document, part }) => {
        const text = blobs.push({ digest: blob.digest }) - 1;
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
    } else if (edit.kind === 'addPackages') {
      const packages = edit.packages.map(({ file, blob }) => ({
        file,
        text: blobs.push({ digest: blob.digest, binary: true }) - 1,
      }));
      told.push({ kind: edit.kind, packages });
    } else if (edit.kind === 'setTools') {
      told.push({ kind: edit.kind, text: blobs.push({ digest: edit.toolbox }) - 1 });
    } else if (edit.kind === 'setItemBlob' || edit.kind === 'extend') {
      const { blob, ...rest } = edit;
      told.push({ ...rest, text: blobs.push({ digest: blob }) - 1 });
    } else told.push(edit);
  }
  const read = await inParallel(blobs, async ({ digest, binary }) => {
    const bytes = await store.blobs.get(digest);
    return binary ? asText(bytes) : { digest, utf8: bytes };
  });
  const texts = read.map((text, index) => ({ ...text, document: documents.has(index) }));
  return { edits: told, texts };
}

/** Only texts can be put into a heap. */
function asText(bytes: Buffer): Omit<EditText, 'document'> {
  return { digest: null, utf8: Buffer.from(bytes.toString('base64'), 'latin1') };
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
