import { type Edit, Manifest, type TextRef } from '../protocol/index.ts';
import { decodeUtf8, getJson, getText, putText, type Store } from '../store/index.ts';
import { inParallel } from './journal.ts';

/** Reads the blobs that edits name. Large values travel as attachments, never as JSON. */
export async function loadEdits(
  store: Store,
  edits: readonly Edit[],
): Promise<{ edits: unknown[]; texts: Buffer[] }> {
  const texts: Buffer[] = [];
  const told: unknown[] = [];
  for (const edit of edits) {
    if (edit.kind === 'set') {
      const { kind, variable, format } = edit;
      const text = texts.push(await store.blobs.get(edit.blob)) - 1;
      told.push({ kind, variable, format, text });
    } else if (edit.kind === 'setManifest') {
      const manifest = await getJson(store, edit.manifest, Manifest);
      const blobs = await inParallel(manifest.entries, ({ blob }) => store.blobs.get(blob.digest));
      const entries = manifest.entries.map(({ path, format }, i) => ({
        path,
        format,
        text: texts.push(blobs[i] ?? Buffer.alloc(0)) - 1,
      }));
      told.push({ kind: edit.kind, variable: edit.variable, entries });
    } else told.push(edit);
  }
  return { edits: told, texts };
}

export async function loadCode(store: Store, code: TextRef): Promise<string> {
  return getText(store, code);
}

/** A text that came out of a kernel, stored. What is not UTF-8, which only a forged report can hold, is mended. */
export async function storeText(store: Store, bytes: Buffer): Promise<TextRef> {
  return putText(store, decodeUtf8(bytes) ?? bytes.toString('utf8'));
}
