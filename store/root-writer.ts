import type { Digest } from '../protocol/index.ts';
import type { Store } from './store.ts';

interface Batch {
  blobs: Set<Digest>;
  records: Set<string>;
  written: Promise<void>;
}

/** Batches that no write has begun for, by owner. */
const waiting = new WeakMap<Store, Map<string, Batch>>();
/** The write of each owner that was begun last. */
const writing = new WeakMap<Store, Map<string, Promise<void>>>();

/**
 * Adds to the root of an owner what it keeps; in it when this resolves. One write an owner at a time: what comes
 * meanwhile, from any of the owner's activities in this process, goes into the next one together. When that fails, it
 * fails for all of them.
 */
export async function extendRoot(
  store: Store,
  owner: string,
  blobs: ReadonlySet<Digest>,
  records: readonly string[],
): Promise<void> {
  const batches = of(waiting, store);
  let batch = batches.get(owner);
  if (batch === undefined) {
    const writes = of(writing, store);
    const last = writes.get(owner) ?? Promise.resolve();
    const fresh: Batch = { blobs: new Set(), records: new Set(), written: Promise.resolve() };
    fresh.written = last.then(() => {
      batches.delete(owner);
      return write(store, owner, fresh);
    });
    batches.set(owner, fresh);
    batch = fresh;
    const done = fresh.written.catch(() => undefined);
    writes.set(owner, done);
    void forgetAfter(done, writes, owner);
  }
  for (const digest of blobs) batch.blobs.add(digest);
  for (const key of records) batch.records.add(key);
  await batch.written;
}

/** Unless another write of the owner has begun by then. */
async function forgetAfter(
  done: Promise<void>,
  writes: Map<string, Promise<void>>,
  owner: string,
): Promise<void> {
  await done;
  if (writes.get(owner) === done) writes.delete(owner);
}

async function write(store: Store, owner: string, { blobs, records }: Batch): Promise<void> {
  await store.roots.add({
    kind: 'kept',
    owner,
    blobs: [...blobs].toSorted(),
    ...(records.size === 0 ? {} : { records: [...records].toSorted() }),
  });
}

function of<T>(byStore: WeakMap<Store, Map<string, T>>, store: Store): Map<string, T> {
  const known = byStore.get(store) ?? new Map<string, T>();
  byStore.set(store, known);
  return known;
}
