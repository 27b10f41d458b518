import { describe, expect, test } from '@jest/globals';
import { ingest } from '../../documents/index.ts';
import { type IngestProgress, Manifest, type ManifestEntry } from '../../protocol/index.ts';
import {
  BlobMissing,
  FileBytes,
  getJson,
  InvalidInput,
  LocalFiles,
  memoryStore,
  type Store,
  uploadInputs,
  uploadRequestInputs,
} from '../../store/index.ts';

async function uploadedValues(): Promise<{ store: Store; entries: ManifestEntry[] }> {
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
    const { store, entries } = await uploadedValues();
    const seen = new Set<number>();
    const result = await ingest(store, entries, { onProgress: ({ done }) => seen.add(done) });
    expect(result).toMatchObject({ totalChars: 5 + 1 + 2, entryCount: 3 });
    expect(await getJson(store, result.manifest, Manifest)).toEqual({ entries });
    expect(await ingest(store, entries)).toEqual(result);
    expect([...seen]).toEqual([0, 1, 2, 3]);
  });

  test('names the blob that is not in the store', async () => {
    const { entries } = await uploadedValues();
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
    const { store, entries } = await uploadedValues();
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

describe('ingest of files', () => {
  test('goes on after it died half-way, and gives the same', async () => {
    const store = memoryStore();
    const input = {
      a: new FileBytes('a.html', Buffer.from('<p>A</p>')),
      b: new FileBytes('b.html', Buffer.from('<p>B</p>')),
    };
    const { sources } = await uploadRequestInputs(store, input);
    const context = { sources: sources?.list };
    const names: string[] = [];
    const dying: Store = {
      ...store,
      records: {
        ...store.records,
        create: async (key, digest) => {
          if (names.push(key) === 2) throw new Error('died');
          return await store.records.create(key, digest);
        },
      },
    };
    await expect(ingest(dying, [], context)).rejects.toThrow('died');
    const phases: string[] = [];
    const onProgress = ({ phase, name }: IngestProgress): unknown =>
      phases.push(`${phase} ${name}`);
    const first = await ingest(store, [], { ...context, onProgress });
    // What was recorded is not read again.
    expect(phases).not.toContain('converting a.html');
    expect(phases).toContain('converting b.html');
    const undisturbed = memoryStore();
    const uploaded = await uploadRequestInputs(undisturbed, input);
    expect(await ingest(undisturbed, [], { sources: uploaded.sources?.list })).toEqual(first);
  });

  test('reads anew what is recorded but no longer there', async () => {
    const store = memoryStore();
    const input = new FileBytes('a.html', Buffer.from('<p>A</p>'));
    const { sources } = await uploadRequestInputs(store, input);
    const { manifest } = await ingest(store, [], { sources: sources?.list });
    const { entries } = await getJson(store, manifest, Manifest);
    const lost = entries[0]?.blob.digest;
    let isThere = false;
    const collected: Store = {
      ...store,
      blobs: {
        ...store.blobs,
        touch: async (digest) => {
          if (digest === lost && !isThere) throw new BlobMissing(digest, 'a store');
          await store.blobs.touch(digest);
        },
        put: async (bytes) => {
          const ref = await store.blobs.put(bytes);
          if (ref.digest === lost) isThere = true;
          return ref;
        },
      },
    };
    expect((await ingest(collected, [], { sources: sources?.list })).manifest).toBe(manifest);
    expect(isThere).toBe(true);
  });

  test('ends with the run', async () => {
    const store = memoryStore();
    const input = new FileBytes('a.html', Buffer.from('<p>A</p>'));
    const { sources } = await uploadRequestInputs(store, input);
    const signal = AbortSignal.abort(new Error('cancelled'));
    await expect(ingest(store, [], { sources: sources?.list, signal })).rejects.toThrow(
      'cancelled',
    );
  });
});

describe('what a request uploads', () => {
  test('are all its files or none: they are found first', async () => {
    const store = memoryStore();
    let puts = 0;
    const counting: Store = {
      ...store,
      blobs: { ...store.blobs, put: async (bytes) => (puts++, store.blobs.put(bytes)) },
    };
    const input = { a: new FileBytes('a', Buffer.from('x')), b: new LocalFiles('/no/such/file') };
    await expect(uploadRequestInputs(counting, input)).rejects.toThrow(
      new InvalidInput('there is no file or folder /no/such/file'),
    );
    expect(puts).toBe(0);
  });

  test('are no files in lists', async () => {
    const input = { docs: [new LocalFiles('a.pdf')] };
    await expect(uploadRequestInputs(memoryStore(), input)).rejects.toThrow(
      new InvalidInput('input: a list cannot hold files; put them into a dict, by name'),
    );
  });
});
