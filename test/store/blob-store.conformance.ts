import { describe, expect, test } from '@jest/globals';
import { BlobMissing, digestOf, type Store } from '../../store/index.ts';

const HELLO = 'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
const OTHER = 'sha256:486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7';

/** What every store promises; `create` makes an empty one. */
export function runStoreTests(name: string, create: () => Promise<Store>): void {
  describe(`${name} keeps blobs`, () => {
    test.each([
      ['an empty blob', Buffer.alloc(0)],
      ['text', Buffer.from('hello')],
      ['bytes that compress well', Buffer.alloc(3_000_000, 'durable ')],
      ['bytes that do not compress', pseudoRandomBytes(200_000)],
      ['every byte value', Buffer.from(Array.from({ length: 1024 }, (_, i) => i % 256))],
    ])('gives back %s', async (_, bytes) => {
      const store = await create();
      const ref = await store.blobs.put(bytes);
      expect(ref).toEqual({ digest: digestOf(bytes), sizeBytes: bytes.length });
      expect((await store.blobs.get(ref.digest)).equals(bytes)).toBe(true);
      expect(await store.blobs.has(ref.digest)).toBe(true);
    });

    test('names a blob by the sha256 of its bytes', async () => {
      const store = await create();
      expect(await store.blobs.put(Buffer.from('hello'))).toEqual({ digest: HELLO, sizeBytes: 5 });
    });

    test('names the digest and itself when a blob is missing', async () => {
      const store = await create();
      expect(await store.blobs.has(HELLO)).toBe(false);
      const failure: unknown = await store.blobs.get(HELLO).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(BlobMissing);
      expect(failure).toMatchObject({
        message: `blob ${HELLO} is not in ${store.describe()}`,
        digest: HELLO,
        store: store.describe(),
      });
    });

    test.each(['hello', 'sha256:../../etc/passwd', `sha256:${'A'.repeat(64)}`, ''])(
      'refuses %j as a digest',
      async (digest) => {
        const store = await create();
        const message = `not a digest: ${JSON.stringify(digest)} (expected sha256:<64 hex digits>)`;
        await expect(store.blobs.get(digest)).rejects.toThrow(message);
        await expect(store.records.create('key', digest)).rejects.toThrow(message);
        expect(await store.records.find('key')).toBeUndefined();
      },
    );

    test('takes equal bytes twice, also at the same time', async () => {
      const store = await create();
      const bytes = Buffer.from('hello');
      const refs = await Promise.all(Array.from({ length: 20 }, () => store.blobs.put(bytes)));
      expect(new Set(refs.map((ref) => ref.digest))).toEqual(new Set([HELLO]));
      expect((await store.blobs.get(HELLO)).toString()).toBe('hello');
    });

    test('is not changed by what a caller does with its buffers', async () => {
      const store = await create();
      const bytes = Buffer.from('hello');
      await store.blobs.put(bytes);
      bytes.fill('x');
      (await store.blobs.get(HELLO)).fill('y');
      expect((await store.blobs.get(HELLO)).toString()).toBe('hello');
    });

    test('stores a view into a larger buffer as the view alone', async () => {
      const store = await create();
      const view = new Uint8Array(Buffer.from('>>hello<<')).subarray(2, 7);
      expect(await store.blobs.put(view)).toEqual({ digest: HELLO, sizeBytes: 5 });
    });
  });

  describe(`${name} keeps records`, () => {
    test('finds nothing under a key that was never written', async () => {
      const store = await create();
      expect(await store.records.find('answer/run/1.1')).toBeUndefined();
    });

    test('returns the first digest to every later writer', async () => {
      const store = await create();
      expect(await store.records.create('key', HELLO)).toBe(HELLO);
      expect(await store.records.create('key', OTHER)).toBe(HELLO);
      expect(await store.records.find('key')).toBe(HELLO);
    });

    test('lets exactly one of many concurrent writers win, and tells all the same', async () => {
      const store = await create();
      const digests = Array.from({ length: 24 }, (_, i) => digestOf(Buffer.from(String(i))));
      const told = await Promise.all(digests.map((digest) => store.records.create('key', digest)));
      const winner = await store.records.find('key');
      expect(digests).toContain(winner);
      expect(new Set(told)).toEqual(new Set([winner]));
    });

    test('keeps keys apart that differ in case, in a slash or in length only', async () => {
      const store = await create();
      const keys = [
        'a/b',
        'A/b',
        'a/b/',
        'a//b',
        '../a/b',
        'a',
        '',
        'ä'.repeat(3000),
        'a\nb',
        'a\0b',
      ];
      for (const key of keys) await store.records.create(key, digestOf(Buffer.from(key)));
      for (const key of keys) {
        expect(await store.records.find(key)).toBe(digestOf(Buffer.from(key)));
      }
    });
  });
}

/** Bytes of a xorshift generator: the same on each run, and not compressible. */
function pseudoRandomBytes(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  let state = 2_463_534_242;
  for (let i = 0; i < count; i += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state & 0xff;
  }
  return bytes;
}
