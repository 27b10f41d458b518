import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { caps, TextRef } from '../../protocol/index.ts';
import {
  BlobUnexpected,
  digestOf,
  getText,
  memoryStore,
  putText,
  textRefOf,
} from '../../store/index.ts';

describe('a text ref', () => {
  test('carries a text of at most 2 KiB whole, and is read without the store', async () => {
    const text = 'é'.repeat(1024);
    const ref = await putText(memoryStore(), text);
    expect(ref).toEqual({
      digest: digestOf(Buffer.from(text)),
      sizeBytes: 2048,
      chars: 1024,
      text,
    });
    expect(await getText(memoryStore(), ref)).toBe(text);
  });

  test('carries head and tail of a longer text, cut between code points', async () => {
    const store = memoryStore();
    const text = `${'a'.repeat(1023)}🎉${'b'.repeat(2000)}🎉${'c'.repeat(1022)}`;
    const ref = await putText(store, text);
    expect(ref).toEqual({
      digest: digestOf(Buffer.from(text)),
      sizeBytes: 1023 + 4 + 2000 + 4 + 1022,
      chars: 1023 + 1 + 2000 + 1 + 1022,
      head: 'a'.repeat(1023),
      tail: 'c'.repeat(1022),
    });
    expect(await getText(store, ref)).toBe(text);
    expect(await getText(store, ref.digest)).toBe(text);
  });

  test('replaces lone surrogates, which have no UTF-8 form', async () => {
    const store = memoryStore();
    const ref = await putText(store, 'a\ud800b');
    expect(await getText(store, ref.digest)).toBe('a\ufffdb');
    expect(ref.text).toBe('a\ufffdb');
  });

  test('keeps a leading byte order mark', async () => {
    const store = memoryStore();
    const ref = await putText(store, '\ufeffname');
    expect(await getText(store, ref.digest)).toBe('\ufeffname');
  });

  test('any text comes back, its ref fits the schema and the caps, and needs no store to be made', async () => {
    const store = memoryStore();
    const text = fc.string({ unit: 'binary', maxLength: 4000, size: 'max' });
    await fc.assert(
      fc.asyncProperty(text, async (value) => {
        const ref = TextRef.parse(await putText(store, value));
        expect(textRefOf(value)).toEqual(ref);
        expect(await getText(store, ref.digest)).toBe(value.toWellFormed());
        expect(ref.chars).toBe(Array.from(value.toWellFormed()).length);
        const carried = (ref.text ?? '') + (ref.head ?? '') + (ref.tail ?? '');
        expect(Buffer.byteLength(carried)).toBeLessThanOrEqual(caps.INLINE_TEXT_BYTES);
        expect(value.toWellFormed().startsWith(ref.head ?? '')).toBe(true);
        expect(value.toWellFormed().endsWith(ref.tail ?? '')).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('of a blob that is not UTF-8 is refused by digest', async () => {
    const store = memoryStore();
    const { digest } = await store.blobs.put(Buffer.from([0x61, 0xff, 0x62]));
    const failure: unknown = await getText(store, digest).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(BlobUnexpected);
    expect(failure).toMatchObject({
      message: `blob ${digest} in ${store.describe()} is not what was expected: it is not UTF-8 text`,
    });
  });
});
