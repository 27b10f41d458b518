import type { Digest } from '../protocol/index.ts';
import type { Store } from './store.ts';

/**
 * The same store with the blobs last used kept in memory, at most `maxBytes` of them. Safe because a digest names
 * the same bytes for ever. Concurrent reads of one blob become one. Puts, `has` and records go to the store.
 */
export function cached(store: Store, maxBytes: number): Store {
  // A Map keeps insertion order, so its first key is the one unused for longest.
  const kept = new Map<Digest, Buffer>();
  const reading = new Map<Digest, Promise<Buffer>>();
  let keptBytes = 0;

  function keep(digest: Digest, bytes: Buffer): void {
    const earlier = kept.get(digest);
    if (earlier !== undefined) {
      kept.delete(digest);
      keptBytes -= earlier.length;
    }
    if (bytes.length > maxBytes) return;
    kept.set(digest, bytes);
    keptBytes += bytes.length;
    for (const [oldest, old] of kept) {
      if (keptBytes <= maxBytes) break;
      kept.delete(oldest);
      keptBytes -= old.length;
    }
  }

  async function read(digest: Digest): Promise<Buffer> {
    const pending = reading.get(digest);
    if (pending !== undefined) return await pending;
    const fresh = store.blobs.get(digest).finally(() => reading.delete(digest));
    reading.set(digest, fresh);
    return await fresh;
  }

  return {
    blobs: {
      async put(bytes) {
        const ref = await store.blobs.put(bytes);
        if (bytes.length <= maxBytes) keep(ref.digest, Buffer.from(bytes));
        return ref;
      },
      async get(digest) {
        const shared = reading.has(digest);
        const bytes = kept.get(digest) ?? (await read(digest));
        // One that is not kept is not copied either: it may be a gigabyte. Its bytes are the first reader's.
        if (bytes.length > maxBytes) return shared ? await store.blobs.get(digest) : bytes;
        keep(digest, bytes);
        // A copy: a caller that writes into its buffer must not change what the next one reads.
        return Buffer.from(bytes);
      },
      has: async (digest) => await store.blobs.has(digest),
      touch: async (digest) => await store.blobs.touch(digest),
    },
    records: store.records,
    roots: store.roots,
    upkeep: {
      ...store.upkeep,
      discard: async (digest, sinceMs) => {
        const bytes = kept.get(digest);
        if (kept.delete(digest)) keptBytes -= bytes?.length ?? 0;
        return await store.upkeep.discard(digest, sinceMs);
      },
    },
    describe: () => store.describe(),
  };
}
