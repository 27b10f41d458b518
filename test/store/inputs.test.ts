import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { ManifestEntry } from '../../protocol/index.ts';
import {
  InvalidInput,
  JsonText,
  memoryStore,
  type Store,
  uploadInputs,
} from '../../store/index.ts';

/** What the REPL makes of the entries: the value as Python sees it. */
async function rebuilt(store: Store, entries: ManifestEntry[]): Promise<unknown> {
  let root: unknown = Object.create(null);
  for (const { path, format, blob } of entries) {
    const text = (await store.blobs.get(blob.digest)).toString('utf8');
    const value: unknown = format === 'text' ? text : JSON.parse(text);
    if (path.length === 0) return value;
    root = withPath(root, path, value);
  }
  return root;
}

function withPath(dict: unknown, [key = '', ...rest]: string[], value: unknown): unknown {
  const entries = Object.entries(typeof dict === 'object' ? (dict ?? {}) : {});
  const inner = entries.find(([name]) => name === key)?.[1] ?? {};
  return Object.fromEntries([
    ...entries.filter(([name]) => name !== key),
    [key, rest.length === 0 ? value : withPath(inner, rest, value)],
  ]);
}

function listing(entries: ManifestEntry[]): string[] {
  return entries.map(({ path, format, chars }) => `${path.join('/')} ${format} ${chars}`);
}

describe('inputs', () => {
  test.each<[string, Parameters<typeof uploadInputs>[1], string[]]>([
    ['a text is the variable itself', 'naïve', [' text 5']],
    ['a number is JSON', 12, [' json 2']],
    ['a list is one JSON value', ['a', { b: 1 }], [' json 13']],
    ['an empty dict is JSON', { a: {} }, ['a json 2']],
    [
      'a dict of texts and dicts is listed text by text, in order',
      { contract: 'long', prior: { 'b.txt': 'bb', 'a.txt': 'aaa' }, year: 2026 },
      ['contract text 4', 'prior/b.txt text 2', 'prior/a.txt text 3', 'year json 4'],
    ],
    ['a dict with a key that no manifest holds is JSON', { a: { '': 'x' } }, ['a json 8']],
    ['JSON text goes as it is written', { a: new JsonText('{"x": 1.0}') }, ['a json 10']],
    [
      'a dict of more texts than the list holds is JSON, its neighbours are not',
      {
        contract: 'c',
        mail: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`m${i}`, 'x'])),
      },
      ['contract text 1', 'mail json 3191'],
    ],
  ])('%s', async (_, value, expected) => {
    expect(listing(await uploadInputs(memoryStore(), value))).toEqual(expected);
  });

  test('keeps large numbers and the order of keys of JSON text', async () => {
    const store = memoryStore();
    const text = '{"b": 12345678901234567890, "1": 1.0}';
    const [entry] = await uploadInputs(store, new JsonText(text));
    expect((await store.blobs.get(entry?.blob.digest ?? '')).toString()).toBe(text);
  });

  test('any JSON value comes back from entries that fit the wire types and its caps', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 10 }), async (value) => {
        const store = memoryStore();
        const plain: unknown = JSON.parse(JSON.stringify(value));
        const entries = await uploadInputs(store, JSON.parse(JSON.stringify(value)));
        expect(entries.map((entry) => ManifestEntry.parse(entry))).toEqual(entries);
        expect(entries.length).toBeLessThanOrEqual(200);
        expect(Buffer.byteLength(JSON.stringify(entries))).toBeLessThanOrEqual(32 * 1024);
        expect(await rebuilt(store, entries)).toEqual(plain);
      }),
      { numRuns: 300 },
    );
  });

  test('a thousand long keys fit the list, as one JSON value', async () => {
    const value = Object.fromEntries(
      Array.from({ length: 150 }, (_, i) => [`${i}`.padEnd(500, 'k'), 'text']),
    );
    const entries = await uploadInputs(memoryStore(), value);
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({ path: [], format: 'json' });
  });

  test.each([
    ['NaN', { a: [1, { b: Number.NaN }] }, 'input.a.1.b'],
    ['a map', { a: new Map() }, 'input.a'],
    ['bytes', Buffer.from('pdf'), 'input'],
    ['a function', { a: { f: () => 1 } }, 'input.a.f'],
    ['undefined', { a: undefined }, 'input.a'],
  ])('refuses %s by its path and stores nothing', async (_, value, path) => {
    const store = memoryStore();
    const puts: unknown[] = [];
    const watched: Store = {
      ...store,
      blobs: { ...store.blobs, put: async (bytes) => (puts.push(bytes), store.blobs.put(bytes)) },
    };
    const upload: Promise<unknown> = Reflect.apply(uploadInputs, undefined, [
      watched,
      { first: 'x', value },
    ]);
    const failure: unknown = await upload.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(InvalidInput);
    expect(failure).toMatchObject({
      message: `${path.replace('input', 'input.value')}: expected text, a dict or another JSON value`,
    });
    expect(puts).toEqual([]);
  });
});
