import { describe, expect, test } from '@jest/globals';
import type { Digest } from '../../protocol/index.ts';
import { cached, memoryStore, type Store } from '../../store/index.ts';
import { runStoreTests, runUpkeepTests } from './blob-store.conformance.ts';

runStoreTests('a cached store', async () => cached(memoryStore(), 1_000_000));
runUpkeepTests('a cached store', async () => cached(memoryStore(), 1_000_000));
runStoreTests('a cache without room', async () => cached(memoryStore(), 0));

function counting(store: Store): { store: Store; reads: Digest[] } {
  const reads: Digest[] = [];
  const blobs = {
    ...store.blobs,
    get: async (digest: Digest) => {
      reads.push(digest);
      return await store.blobs.get(digest);
    },
  };
  return { store: { ...store, blobs }, reads };
}

describe('a cache', () => {
  test('reads a blob once, and not at all when it was put here', async () => {
    const inner = counting(memoryStore());
    const there = (await inner.store.blobs.put(Buffer.from('there'))).digest;
    const store = cached(inner.store, 100);
    const here = (await store.blobs.put(Buffer.from('here'))).digest;
    for (const digest of [there, here, there, here]) await store.blobs.get(digest);
    expect(inner.reads).toEqual([there]);
  });

  test('drops what was unused for longest when it is full', async () => {
    const inner = counting(memoryStore());
    const store = cached(inner.store, 10);
    const [a, b, c] = [
      (await store.blobs.put(Buffer.from('aaaa'))).digest,
      (await store.blobs.put(Buffer.from('bbbb'))).digest,
      (await store.blobs.put(Buffer.from('cccc'))).digest,
    ];
    await store.blobs.get(b);
    await store.blobs.get(a);
    await store.blobs.get(b);
    await store.blobs.get(c);
    expect(inner.reads).toEqual([a, c]);
  });

  test('joins reads of one blob that run at the same time', async () => {
    const inner = counting(memoryStore());
    const { digest } = await inner.store.blobs.put(Buffer.from('hello'));
    const store = cached(inner.store, 100);
    const [one, two] = await Promise.all([store.blobs.get(digest), store.blobs.get(digest)]);
    one.fill('x');
    expect(two.toString()).toBe('hello');
    expect(inner.reads).toEqual([digest]);
  });

  test('remembers no failure', async () => {
    const inner = memoryStore();
    const store = cached(inner, 100);
    const { digest } = await memoryStore().blobs.put(Buffer.from('late'));
    await expect(store.blobs.get(digest)).rejects.toThrow(`blob ${digest} is not in`);
    await inner.blobs.put(Buffer.from('late'));
    expect((await store.blobs.get(digest)).toString()).toBe('late');
  });
});
