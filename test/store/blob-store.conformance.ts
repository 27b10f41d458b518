import { describe, expect, test } from '@jest/globals';
import { BlobMissing, collect, digestOf, forget, makeRoot, type Store } from '../../store/index.ts';

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

/** What garbage collection needs of every store. */
export function runUpkeepTests(name: string, create: () => Promise<Store>): void {
  const put = async (store: Store): Promise<void> => {
    await store.blobs.put(Buffer.from('hello'));
  };
  const listed = async (store: Store): Promise<string[]> => {
    const digests: string[] = [];
    for await (const { digest } of store.upkeep.blobs()) digests.push(digest);
    return digests;
  };
  const nothing = (): boolean => false;

  describe(`${name} is looked after`, () => {
    test('lists its blobs with their age by its own clock, which touch and put renew', async () => {
      const store = await create();
      expect(await listed(store)).toEqual([]);
      const before = await store.upkeep.nowMs();
      await put(store);
      for (const renew of [() => store.blobs.touch(HELLO), () => put(store)]) {
        await renew();
        for await (const { digest, storedBytes, modifiedMs } of store.upkeep.blobs()) {
          expect(digest).toBe(HELLO);
          expect(storedBytes).toBeGreaterThan(0);
          expect(modifiedMs).toBeGreaterThanOrEqual(before - 1000);
          expect(modifiedMs).toBeLessThanOrEqual((await store.upkeep.nowMs()) + 1000);
        }
      }
    });

    test('does not touch what is not there', async () => {
      const store = await create();
      await expect(store.blobs.touch(HELLO)).rejects.toThrow(
        `blob ${HELLO} is not in ${store.describe()}`,
      );
    });

    test('discards a blob that is older than a time, and none that is younger', async () => {
      const store = await create();
      await put(store);
      expect(await store.upkeep.discard(HELLO, Date.now() - 60_000)).toBe(false);
      expect((await store.blobs.get(HELLO)).toString()).toBe('hello');
      expect(await store.upkeep.discard(HELLO, Date.now() + 60_000)).toBe(true);
      expect(await store.upkeep.discard(HELLO, Date.now() + 60_000)).toBe(false);
      expect(await listed(store)).toEqual([]);
      await store.upkeep.settleTrash(nothing, Date.now() + 60_000);
      expect(await store.blobs.has(HELLO)).toBe(false);
      await expect(store.blobs.get(HELLO)).rejects.toThrow(BlobMissing);
    });

    test('takes a blob again that it has discarded, and keeps it', async () => {
      const store = await create();
      await put(store);
      await store.upkeep.discard(HELLO, Date.now() + 60_000);
      await put(store);
      await store.upkeep.settleTrash(nothing, Date.now() + 60_000);
      expect((await store.blobs.get(HELLO)).toString()).toBe('hello');
    });

    test('loses no blob that is put while it is discarded, however the two fall together', async () => {
      const store = await create();
      for (let round = 0; round < 10; round += 1) {
        await put(store);
        await Promise.all([store.upkeep.discard(HELLO, Date.now() - 60_000), put(store)]);
        expect((await store.blobs.get(HELLO)).toString()).toBe('hello');
      }
    });

    test('removes records, also one that is not there', async () => {
      const store = await create();
      await store.records.create('key', HELLO);
      await store.upkeep.removeRecord('key');
      await store.upkeep.removeRecord('key');
      expect(await store.records.find('key')).toBeUndefined();
      expect(await store.records.create('key', OTHER)).toBe(OTHER);
    });
  });

  describe(`${name} keeps roots`, () => {
    test('piece by piece, each once, and gives them back by owner', async () => {
      const store = await create();
      expect(await store.roots.find('run a')).toBeUndefined();
      const kept = {
        kind: 'kept' as const,
        owner: 'run a',
        blobs: [HELLO],
        records: ['key'],
      };
      await store.roots.add({ kind: 'made', owner: 'run a', server: 'ns' });
      await store.roots.add(kept);
      await store.roots.add(kept);
      await store.roots.add({ kind: 'made', owner: 'run a/b' });
      const root = await store.roots.find('run a');
      expect(root?.pieces.map(({ kind }) => kind).toSorted()).toEqual(['kept', 'made']);
      expect(root?.pieces.find(({ kind }) => kind === 'kept')).toMatchObject(kept);
      const owners: string[] = [];
      for await (const { owner } of store.roots.all()) owners.push(owner);
      expect(owners.toSorted()).toEqual(['run a', 'run a/b']);
    });

    test('until a piece is removed', async () => {
      const store = await create();
      await store.roots.add({ kind: 'made', owner: 'run a' });
      await store.roots.add({ kind: 'kept', owner: 'run a', blobs: [HELLO] });
      const root = await store.roots.find('run a');
      const made = root?.pieces.find(({ kind }) => kind === 'made')?.name ?? '';
      await store.roots.remove('run a', made);
      await store.roots.remove('run a', made);
      expect((await store.roots.find('run a'))?.pieces.map(({ kind }) => kind)).toEqual(['kept']);
    });

    test('and knows one that is being forgotten', async () => {
      const store = await create();
      await store.roots.add({ kind: 'made', owner: 'run a' });
      expect(await store.roots.isForgotten('run a')).toBe(false);
      expect(await forget(store, 'run a')).toBe(true);
      expect(await store.roots.isForgotten('run a')).toBe(true);
      expect(await forget(store, 'run b')).toBe(false);
      await expect(makeRoot(store, 'run a')).rejects.toThrow('run a was forgotten');
      expect((await collect(store)).forgotten).toEqual(['run a']);
      expect(await store.roots.find('run a')).toBeUndefined();
      await makeRoot(store, 'run a');
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
