import { type Digest, type Edit, Manifest, type TextRef } from '../protocol/index.ts';
import { decodeUtf8, getJson, getText, putText, type Store } from '../store/index.ts';
import { inParallel } from './journal.ts';

/** A blob that becomes a text in the heap. Without a digest: the text is made of one, and an image does not refer to it. */
export interface EditText {
  digest: Digest | null;
  utf8: Buffer;
}

/** Reads the blobs that edits name. Large values travel as attachments, never as JSON. */
export async function loadEdits(
  store: Store,
  edits: readonly Edit[],
): Promise<{ edits: unknown[]; texts: EditText[] }> {
  const blobs: { digest: Digest; binary?: true }[] = [];
  const told: unknown[] = [];
  for (const edit of edits) {
    if (edit.kind === 'set') {
      const { kind, variable, format } = edit;
      told.push({ kind, variable, format, text: blobs.push({ digest: edit.blob }) - 1 });
    } else if (edit.kind === 'setManifest') {
      const manifest = await getJson(store, edit.manifest, Manifest);
      const entries = manifest.entries.map(({ path, format, blob, document }) => ({
        path,
        format,
        text: blobs.push({ digest: blob.digest }) - 1,
        ...(document && { document }),
      }));
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
  const texts = await inParallel(blobs, async ({ digest, binary }) => {
    const bytes = await store.blobs.get(digest);
    return binary ? asText(bytes) : { digest, utf8: bytes };
  });
  return { edits: told, texts };
}

/** Only texts can be put into a heap. */
function asText(bytes: Buffer): EditText {
  return { digest: null, utf8: Buffer.from(bytes.toString('base64'), 'latin1') };
}

export async function loadCode(store: Store, code: TextRef): Promise<string> {
  return getText(store, code);
}

/** A text that came out of a kernel, stored. What is not UTF-8, which only a forged report can hold, is mended. */
export async function storeText(store: Store, bytes: Buffer): Promise<TextRef> {
  return putText(store, decodeUtf8(bytes) ?? bytes.toString('utf8'));
}
