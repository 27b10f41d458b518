import type { IngestResult, Manifest, ManifestEntry } from '../protocol/index.ts';
import { countChars, decodeUtf8, InvalidInput, putJson, type Store } from '../store/index.ts';

/**
 * Checks that a run's inputs are in the store, whole and as they are listed, and stores their manifest. Running it twice
 * gives the same manifest. Throws BlobMissing and BlobCorrupted, and InvalidInput for a list that does not fit its blobs.
 */
export async function ingest(
  store: Store,
  entries: readonly ManifestEntry[],
  onProgress: (done: number) => void = () => {},
): Promise<IngestResult> {
  checkPaths(entries);
  let totalChars = 0;
  for (const [index, entry] of entries.entries()) {
    checkContent(entry, await store.blobs.get(entry.blob.digest));
    totalChars += entry.chars;
    onProgress(index + 1);
  }
  const manifest: Manifest = { entries: [...entries] };
  const { digest } = await putJson(store, manifest);
  return { manifest: digest, totalChars, entryCount: entries.length };
}

/** A leaf cannot lie on or inside another. */
function checkPaths(entries: readonly ManifestEntry[]): void {
  const leaves = new Set<string>();
  const dicts = new Set<string>();
  for (const entry of entries) {
    const key = JSON.stringify(entry.path);
    const parents = entry.path.map((_, depth) => JSON.stringify(entry.path.slice(0, depth)));
    if (leaves.has(key) || dicts.has(key) || parents.some((parent) => leaves.has(parent))) {
      throw new InvalidInput(`${nameOf(entry)}: listed twice, or both a value and a dict`);
    }
    leaves.add(key);
    for (const parent of parents) dicts.add(parent);
  }
}

function checkContent(entry: ManifestEntry, bytes: Buffer): void {
  const { blob, chars, format } = entry;
  if (bytes.length !== blob.sizeBytes) {
    throw new InvalidInput(
      `${nameOf(entry)}: expected ${blob.sizeBytes} bytes, the stored blob has ${bytes.length}`,
    );
  }
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new InvalidInput(`${nameOf(entry)}: expected UTF-8 text`);
  const actual = countChars(bytes);
  if (actual !== chars) {
    throw new InvalidInput(
      `${nameOf(entry)}: expected ${chars} characters, the stored text has ${actual}`,
    );
  }
  if (format === 'json' && !isJson(text)) {
    throw new InvalidInput(`${nameOf(entry)}: expected JSON`);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function nameOf({ path }: ManifestEntry): string {
  return ['input', ...path].join('.');
}
