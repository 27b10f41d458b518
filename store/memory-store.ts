import type { Digest } from '../protocol/index.ts';
import { digestOf, hexOf } from './digest.ts';
import { BlobMissing } from './errors.ts';
import type { Store } from './store.ts';

let made = 0;

/** A store in this process's memory, gone with it: for tests and trials. */
export function memoryStore(): Store {
  made += 1;
  const name = `memory store ${made}`;
  const blobs = new Map<Digest, Buffer>();
  const records = new Map<string, Digest>();
  return {
    blobs: {
      put: async (bytes) => {
        const digest = digestOf(bytes);
        if (!blobs.has(digest)) blobs.set(digest, Buffer.from(bytes));
        return { digest, sizeBytes: bytes.length };
      },
      get: async (digest) => {
        hexOf(digest);
        const bytes = blobs.get(digest);
        if (bytes === undefined) throw new BlobMissing(digest, name);
        return Buffer.from(bytes);
      },
      has: async (digest) => blobs.has(digest),
    },
    records: {
      create: async (key, digest) => {
        hexOf(digest);
        const earlier = records.get(key);
        if (earlier !== undefined) return earlier;
        records.set(key, digest);
        return digest;
      },
      find: async (key) => records.get(key),
    },
    describe: () => name,
  };
}
