import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { z } from 'zod';
import { BlobUnexpected, canonicalJson, getJson, memoryStore, putJson } from '../../store/index.ts';

describe('a JSON blob', () => {
  test('has the same digest whatever the order of the keys', async () => {
    const store = memoryStore();
    const one = await putJson(store, { b: [1, { y: null, x: 'é' }], a: 2 });
    const two = await putJson(store, { a: 2, b: [1, { x: 'é', y: null }] });
    expect(one).toEqual(two);
    expect((await store.blobs.get(one.digest)).toString()).toBe(
      '{"a":2,"b":[1,{"x":"é","y":null}]}',
    );
  });

  test('gives back any JSON value', async () => {
    const store = memoryStore();
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const { digest } = await putJson(store, value);
        const expected: unknown = JSON.parse(JSON.stringify(value));
        expect(await getJson(store, digest, z.unknown())).toEqual(expected);
      }),
    );
  });

  test('leaves out keys without a value, as JSON does', () => {
    expect(canonicalJson({ b: undefined, a: 1 })).toBe('{"a":1}');
  });

  test('keeps a key named __proto__', () => {
    const value: unknown = JSON.parse('{"__proto__":{"x":1},"a":2}');
    expect(canonicalJson(value)).toBe('{"__proto__":{"x":1},"a":2}');
  });

  test.each([
    ['NaN', Number.NaN, 'NaN'],
    ['infinity', { x: Infinity }, 'Infinity'],
    ['undefined in an array', [undefined], 'undefined'],
    ['a bigint', 3n, '3n'],
    ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['a map', { x: new Map() }, 'Map(0) {}'],
    ['bytes', new Uint8Array(1), 'Uint8Array(1) [ 0 ]'],
  ])('refuses %s instead of storing something else', async (_, value, shown) => {
    await expect(putJson(memoryStore(), value)).rejects.toThrow(`not a JSON value: ${shown}`);
  });

  const Person = z.object({ name: z.string(), age: z.int() });

  test('that does not fit its schema is refused with the path of the misfit', async () => {
    const store = memoryStore();
    const { digest } = await putJson(store, { name: 'Ann', age: 'old' });
    const failure: unknown = await getJson(store, digest, Person).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(BlobUnexpected);
    expect(failure).toMatchObject({
      message: `blob ${digest} in ${store.describe()} is not what was expected: age: Invalid input: expected number, received string`,
    });
  });

  test.each([
    ['is cut short', Buffer.from('{"name":')],
    ['is not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ])('that %s is refused', async (_, bytes) => {
    const store = memoryStore();
    const { digest } = await store.blobs.put(bytes);
    await expect(getJson(store, digest, Person)).rejects.toThrow(
      `blob ${digest} in ${store.describe()} is not what was expected: it is not JSON`,
    );
  });
});
