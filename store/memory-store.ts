import type { Digest } from '../protocol/index.ts';
import { digestOf, hexOf } from './digest.ts';
import { BlobMissing } from './errors.ts';
import { rootsIn } from './roots.ts';
import type { Store } from './store.ts';

let made = 0;

/** A store in this process's memory, gone with it: for tests and trials. `now` is its clock. */
export function memoryStore(now: () => number = Date.now): Store {
  made += 1;
  const name = `memory store ${made}`;
  const blobs = new Map<Digest, { bytes: Buffer; modifiedMs: number }>();
  const records = new Map<string, Digest>();
  const roots = new Map<
    string,
    { owner: string; name: string; bytes: Buffer; modifiedMs: number }
  >();
  return {
    blobs: {
      put: async (bytes) => {
        const digest = digestOf(bytes);
        const stored = blobs.get(digest);
        if (stored === undefined)
          blobs.set(digest, { bytes: Buffer.from(bytes), modifiedMs: now() });
        else stored.modifiedMs = now();
        return { digest, sizeBytes: bytes.length };
      },
      get: async (digest) => {
        hexOf(digest);
        const stored = blobs.get(digest);
        if (stored === undefined) throw new BlobMissing(digest, name);
        return Buffer.from(stored.bytes);
      },
      has: async (digest) => blobs.has(digest),
      touch: async (digest) => {
        const stored = blobs.get(digest);
        if (stored === undefined) throw new BlobMissing(digest, name);
        stored.modifiedMs = now();
      },
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
    roots: rootsIn(
      {
        write: async (owner, piece, bytes) => {
          roots.set(`${owner}/${piece}`, { owner, name: piece, bytes, modifiedMs: now() });
        },
        list: async function* (owner) {
          for (const file of roots.values()) {
            if (owner === undefined || file.owner === owner) yield file;
          }
        },
        read: async (owner, piece) => roots.get(`${owner}/${piece}`)?.bytes,
        remove: async (owner, piece) => void roots.delete(`${owner}/${piece}`),
      },
      name,
    ),
    upkeep: {
      nowMs: async () => now(),
      rootsSinceMs: async () => 0,
      blobs: async function* () {
        for (const [digest, { bytes, modifiedMs }] of blobs) {
          yield { digest, storedBytes: bytes.length, modifiedMs };
        }
      },
      discard: async (digest, sinceMs) => {
        const stored = blobs.get(digest);
        if (stored === undefined || stored.modifiedMs > sinceMs) return false;
        return blobs.delete(digest);
      },
      settleTrash: async () => ({
        restored: 0,
        waiting: 0,
        waitingBytes: 0,
        freed: 0,
        freedBytes: 0,
      }),
      removeRecord: async (key) => void records.delete(key),
    },
    describe: () => name,
  };
}
