/**
 * A store in a directory, used by several processes at once; no process owns it and none holds a lock.
 *
 *   blobs/ab/<62 more hex digits>    a blob frame (see blob-frame.ts), named by the digest of its plain bytes
 *   records/ab/<62 more hex digits>  {"key","digest"}, named by the digest of its key
 *   roots/ab/<...>.<name>            pieces of root records (see root-piece.ts)
 *   trash/<64 hex digits>            blobs that a collection is about to free
 *   scratch/                         files being written
 *   store.json                       what this is
 *
 * D1  A file under blobs/, records/ or roots/ is whole: it gets its name only after its bytes are synced.
 * D2  A record's file is created by `link`, which fails when the name exists, so the first writer wins.
 * D3  What a promise has confirmed survives a power cut: the file, its directory and that directory's name are synced before.
 */
import { join, resolve } from 'node:path';
import { DirectoryBlobs, orNothing, type StoreFolder } from './directory-blobs.ts';
import { DirectoryRecords, directoryRoots } from './directory-records.ts';
import { DurableFiles } from './durable-file.ts';
import { type FileSystem, nodeFiles } from './file-system.ts';
import { rootsIn } from './roots.ts';
import { encodeMarker, MARKER, parseMarker } from './store-marker.ts';
import { toStoreFailure } from './store-failure.ts';
import type { Store, StoredBlob } from './store.ts';

const FOLDERS = ['blobs', 'records', 'roots', 'trash', 'scratch'];

/** Opens the store in a directory, making it when missing. Throws StoreUnavailable when it cannot be used. */
export async function openDirectoryStore(
  directory: string,
  files: FileSystem = nodeFiles,
): Promise<Store> {
  const root = resolve(directory);
  const name = `directory ${root}`;
  const durable = new DurableFiles(files, join(root, 'scratch'));
  const folder: StoreFolder = { root, name, files, durable };
  const attempt = <T>(operation: () => Promise<T>): Promise<T> => guarded(name, operation);
  const rootsSinceMs = await attempt(async () => {
    await durable.makeFolder(root);
    for (const one of FOLDERS) await files.makeFolder(join(root, one));
    await durable.sweepScratch();
    return await mark(folder);
  });
  const blobs = new DirectoryBlobs(folder);
  const records = new DirectoryRecords(folder);
  const roots = directoryRoots(folder);
  return {
    blobs: {
      put: (bytes) => attempt(() => blobs.put(bytes)),
      get: (digest) => attempt(() => blobs.get(digest)),
      has: (digest) => attempt(() => blobs.has(digest)),
      touch: (digest) => attempt(() => blobs.touch(digest)),
    },
    records: {
      create: (key, digest) => attempt(() => records.create(key, digest)),
      find: (key) => attempt(() => records.find(key)),
    },
    roots: rootsIn(
      {
        write: (owner, piece, bytes) => attempt(() => roots.write(owner, piece, bytes)),
        list: (owner) => guardedList(name, roots.list(owner)),
        read: (owner, piece) => attempt(() => roots.read(owner, piece)),
        remove: (owner, piece) => attempt(() => roots.remove(owner, piece)),
      },
      name,
    ),
    upkeep: {
      nowMs: () => attempt(() => durable.nowMs()),
      rootsSinceMs: async () => rootsSinceMs,
      blobs: () => guardedList<StoredBlob>(name, blobs.list()),
      discard: (digest, sinceMs) => attempt(() => blobs.discard(digest, sinceMs)),
      settleTrash: (isLive, sinceMs) => attempt(() => blobs.settleTrash(isLive, sinceMs)),
      removeRecord: (key) => attempt(() => records.remove(key)),
    },
    describe: () => name,
  };
}

/** Says what the directory is, and since when roots are kept in it: always, when it is new. Also makes its folders durable. */
async function mark({ root, name, files, durable }: StoreFolder): Promise<number> {
  const path = join(root, MARKER);
  const found = await orNothing(files.readFile(path));
  if (found !== undefined) {
    await durable.settle(path);
    return parseMarker(found, name);
  }
  const isNew = (await files.readdir(join(root, 'blobs'))).length === 0;
  await durable.create(path, [encodeMarker(isNew ? 0 : await durable.nowMs())]);
  return parseMarker(await files.readFile(path), name);
}

/** Runs an operation; a system error becomes StoreUnavailable. */
async function guarded<T>(name: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw toStoreFailure(error, name);
  }
}

async function* guardedList<T>(name: string, items: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    throw toStoreFailure(error, name);
  }
}
