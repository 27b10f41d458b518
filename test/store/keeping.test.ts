import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { digestOf, keeping, keptBy, makeRoot, memoryStore, type Store } from '../../store/index.ts';

// Scope: how what is stored for an owner comes into the owner's root, and in which order.

const MINUTE_MS = 60_000;

/** A store that notes the order of what is written into it. */
function noted(): { inner: Store; store: Store; written: string[] } {
  const inner = memoryStore();
  const written: string[] = [];
  const store: Store = {
    ...inner,
    blobs: {
      ...inner.blobs,
      put: async (bytes) => {
        written.push(`blob ${Buffer.from(bytes).toString()}`);
        return inner.blobs.put(bytes);
      },
    },
    records: {
      ...inner.records,
      create: async (key, digest) => {
        written.push(`record ${key}`);
        return inner.records.create(key, digest);
      },
    },
    roots: {
      ...inner.roots,
      add: async (piece) => {
        written.push(`${piece.kind} ${piece.blobs?.length ?? 0}`);
        return inner.roots.add(piece);
      },
    },
  };
  return { inner, store: keeping(store), written };
}

async function keptIn(store: Store, owner: string): Promise<string[]> {
  const root = await store.roots.find(owner);
  return root?.pieces.flatMap(({ blobs = [] }) => blobs) ?? [];
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('what is stored for an owner', () => {
  test('comes after the root is made, and into it before a record and before the end', async () => {
    const { store, written } = noted();
    await keptBy('run a', async () => {
      const { digest } = await store.blobs.put(Buffer.from('answer'));
      await store.records.create('key', digest);
      await store.blobs.put(Buffer.from('reply'));
      await store.blobs.put(Buffer.from('reply'));
    });
    const order = 'made 0, blob answer, kept 1, record key, blob reply, blob reply, kept 1';
    expect(written.join(', ')).toBe(order);
    await keptBy('run a', () => store.blobs.put(Buffer.from('next')));
    expect(written.slice(7)).toEqual(['blob next', 'kept 1']);
  });

  test('is kept by nobody when the work fails, but for its records', async () => {
    const { store } = noted();
    const work = keptBy('run a', async () => {
      const { digest } = await store.blobs.put(Buffer.from('answer'));
      await store.records.create('key', digest);
      await store.blobs.put(Buffer.from('lost'));
      throw new Error('no');
    });
    await expect(work).rejects.toThrow('no');
    expect(await keptIn(store, 'run a')).toEqual([digestOf(Buffer.from('answer'))]);
  });

  test('is kept apart from what others store at the same time, and from what nobody keeps', async () => {
    const { store } = noted();
    const owners = ['run a', 'run b', 'run c'];
    await Promise.all(
      owners.map((owner) =>
        keptBy(owner, async () => {
          for (let i = 0; i < 5; i += 1) await store.blobs.put(Buffer.from(`${owner} ${i}`));
        }),
      ),
    );
    await store.blobs.put(Buffer.from('nobody'));
    for (const owner of owners) {
      const own = Array.from({ length: 5 }, (_, i) => digestOf(Buffer.from(`${owner} ${i}`)));
      expect((await keptIn(store, owner)).toSorted()).toEqual(own.toSorted());
    }
  });

  test('comes into the root every ten minutes while the work goes on', async () => {
    const { store } = noted();
    const now = jest.spyOn(performance, 'now').mockReturnValue(0);
    await keptBy('run a', async (flushOld) => {
      await store.blobs.put(Buffer.from('first'));
      await flushOld();
      expect(await keptIn(store, 'run a')).toHaveLength(0);
      now.mockReturnValue(11 * MINUTE_MS);
      await flushOld();
      expect(await keptIn(store, 'run a')).toHaveLength(1);
      await store.blobs.put(Buffer.from('second'));
      now.mockReturnValue(22 * MINUTE_MS);
      await store.blobs.put(Buffer.from('third'));
      expect(await keptIn(store, 'run a')).toHaveLength(2);
    });
    expect(await keptIn(store, 'run a')).toHaveLength(3);
  });

  test('is in the root at the end although another flush was under way, and failed', async () => {
    const { inner, store } = noted();
    const now = jest.spyOn(performance, 'now').mockReturnValue(0);
    const { promise: held, reject } = Promise.withResolvers<never>();
    let adds = 0;
    const slow = keeping({
      ...inner,
      roots: {
        ...inner.roots,
        add: async (piece) => {
          adds += 1;
          return adds === 2 ? held : inner.roots.add(piece);
        },
      },
    });
    const work = keptBy('run a', async (flushOld) => {
      await slow.blobs.put(Buffer.from('first'));
      now.mockReturnValue(11 * MINUTE_MS);
      flushOld().catch(() => undefined);
      setImmediate(() => reject(new Error('the store is full')));
    });
    await work;
    expect(await keptIn(store, 'run a')).toHaveLength(1);
  });

  test('fails when it cannot come into the root', async () => {
    const { inner } = noted();
    const full = keeping({
      ...inner,
      roots: {
        ...inner.roots,
        add: async (piece) => {
          if (piece.kind === 'kept') throw new Error('the store is full');
          return inner.roots.add(piece);
        },
      },
    });
    const work = keptBy('run a', () => full.blobs.put(Buffer.from('first')));
    await expect(work).rejects.toThrow('the store is full');
  });
});

describe('what activities of one owner store at the same time', () => {
  /** A store whose roots are written when told. */
  function held(): { inner: Store; store: Store; writes: Array<PromiseWithResolvers<void>> } {
    const inner = memoryStore();
    const writes: Array<PromiseWithResolvers<void>> = [];
    const store = keeping({
      ...inner,
      roots: {
        ...inner.roots,
        add: async (piece) => {
          if (piece.kind === 'made') return inner.roots.add(piece);
          const write = Promise.withResolvers<void>();
          writes.push(write);
          await write.promise;
          return inner.roots.add(piece);
        },
      },
    });
    return { inner, store, writes };
  }
  const turns = async (): Promise<void> => {
    for (let i = 0; i < 20; i += 1) await Promise.resolve();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  };
  const names = ['one', 'two', 'three', 'four'];
  const own = names.map((name) => digestOf(Buffer.from(name)));

  test('comes into the root together, after the write that was under way', async () => {
    const { store, writes } = held();
    const ends: string[] = [];
    const all = names.map(async (name) => {
      await keptBy('run a', () => store.blobs.put(Buffer.from(name)));
      ends.push(name);
    });
    await turns();
    expect(writes).toHaveLength(1);
    const late = keptBy('run a', () => store.blobs.put(Buffer.from('late')));
    const other = keptBy('run b', () => store.blobs.put(Buffer.from('other')));
    await turns();
    // Another owner does not wait.
    expect(writes).toHaveLength(2);
    expect(ends).toEqual([]);
    writes[0]?.resolve();
    writes[1]?.resolve();
    await Promise.all([...all, other]);
    expect((await keptIn(store, 'run a')).toSorted()).toEqual(own.toSorted());
    await turns();
    expect(writes).toHaveLength(3);
    writes[2]?.resolve();
    await late;
    expect(await keptIn(store, 'run a')).toHaveLength(5);
  });

  test('is nowhere when the write fails, and each of them hears of it; the next one goes on', async () => {
    const { store, writes } = held();
    const all = names.map((name) => keptBy('run a', () => store.blobs.put(Buffer.from(name))));
    const settled = Promise.allSettled(all);
    await turns();
    writes[0]?.reject(new Error('the store is full'));
    expect((await settled).map(({ status }) => status)).toEqual(names.map(() => 'rejected'));
    const again = keptBy('run a', () => store.blobs.put(Buffer.from('one')));
    await turns();
    writes[1]?.resolve();
    await again;
    expect(await keptIn(store, 'run a')).toEqual([digestOf(Buffer.from('one'))]);
  });
});

test('a root says which server knows its owner', async () => {
  const { store } = noted();
  await makeRoot(store, 'run a', 'namespace');
  await keptBy('run b', () => store.blobs.put(Buffer.from('b')), { server: 'other' });
  for (const [owner, server] of [
    ['run a', 'namespace'],
    ['run b', 'other'],
  ] as const) {
    const root = await store.roots.find(owner);
    expect(root?.pieces.find(({ kind }) => kind === 'made')).toMatchObject({ server });
  }
});
