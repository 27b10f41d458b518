import { describe, expect, test } from '@jest/globals';
import { ingest } from '../../documents/index.ts';
import { Manifest, type ManifestEntry } from '../../protocol/index.ts';
import {
  BlobMissing,
  getJson,
  InvalidInput,
  memoryStore,
  type Store,
  uploadInputs,
} from '../../store/index.ts';

async function uploaded(): Promise<{ store: Store; entries: ManifestEntry[] }> {
  const store = memoryStore();
  const entries = await uploadInputs(store, { contract: 'naïve', prior: { 'a.txt': 'A' }, n: 12 });
  return { store, entries };
}

async function refusal(store: Store, entries: ManifestEntry[]): Promise<string> {
  const failure: unknown = await ingest(store, entries).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(InvalidInput);
  return failure instanceof Error ? failure.message : '';
}

describe('ingest', () => {
  test('stores the manifest of what is there, the same on each run', async () => {
    const { store, entries } = await uploaded();
    const seen = new Set<number>();
    const result = await ingest(store, entries, { onProgress: ({ done }) => seen.add(done) });
    expect(result).toMatchObject({ totalChars: 5 + 1 + 2, entryCount: 3 });
    expect(await getJson(store, result.manifest, Manifest)).toEqual({ entries });
    expect(await ingest(store, entries)).toEqual(result);
    expect([...seen]).toEqual([0, 1, 2, 3]);
  });

  test('names the blob that is not in the store', async () => {
    const { entries } = await uploaded();
    await expect(ingest(memoryStore(), entries)).rejects.toThrow(BlobMissing);
  });

  test.each<[string, (entry: ManifestEntry) => ManifestEntry, string]>([
    [
      'another size',
      (entry) => ({ ...entry, blob: { ...entry.blob, sizeBytes: 7 } }),
      'input.contract: expected 7 bytes, the stored blob has 6',
    ],
    [
      'another length',
      (entry) => ({ ...entry, chars: 6 }),
      'input.contract: expected 6 characters, the stored text has 5',
    ],
    ['JSON', (entry) => ({ ...entry, format: 'json' }), 'input.contract: expected JSON'],
  ])('refuses a text listed with %s', async (_, change, message) => {
    const { store, entries } = await uploaded();
    const [first, ...rest] = entries;
    if (first === undefined) throw new Error('nothing uploaded');
    expect(await refusal(store, [change(first), ...rest])).toBe(message);
  });

  test('refuses a blob that is not UTF-8', async () => {
    const store = memoryStore();
    const blob = await store.blobs.put(Buffer.from([0x61, 0xff]));
    expect(await refusal(store, [{ path: ['a'], format: 'text', blob, chars: 2 }])).toBe(
      'input.a: expected UTF-8 text',
    );
  });

  test.each([
    [[['a'], ['a']], 'input.a'],
    [[['a'], ['a', 'b']], 'input.a.b'],
    [[['a', 'b'], ['a']], 'input.a'],
    [[['a'], []], 'input'],
    [[[], ['a']], 'input.a'],
  ])('refuses paths %j that cannot be one value', async (paths, place) => {
    const store = memoryStore();
    const blob = await store.blobs.put(Buffer.from('x'));
    const entries = paths.map((path): ManifestEntry => ({ path, format: 'text', blob, chars: 1 }));
    expect(await refusal(store, entries)).toBe(
      `${place}: listed twice, or both a value and a dict`,
    );
  });
});
