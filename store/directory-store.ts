/**
 * A store in a directory, used by several processes at once; no process owns it and none holds a lock.
 *
 *   blobs/ab/<62 more hex digits>    a blob frame (see blob-frame.ts), named by the digest of its plain bytes
 *   records/ab/<62 more hex digits>  {"key","digest"}, named by the digest of its key
 *   scratch/                         files being written
 *
 * D1  A file under blobs/ or records/ is whole: it gets its name only after its bytes are synced.
 * D2  A record's file is created by `link`, which fails when the name exists, so the first writer wins.
 * D3  What a promise has confirmed survives a power cut: the file and its directory are synced before.
 */
import { mkdir, readFile, stat, utimes } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { Digest, type BlobRef } from '../protocol/index.ts';
import { decodeBlobFrame, encodeBlobFrame } from './blob-frame.ts';
import { digestOf, digestOfLarge, hexOf } from './digest.ts';
import { codeOf, createFile, replaceFile, sweepScratch, syncDirectory } from './durable-file.ts';
import { BlobCorrupted, BlobMissing, RecordCorrupted } from './errors.ts';
import { toStoreFailure } from './store-failure.ts';
import type { BlobStore, RecordStore, Store } from './store.ts';

const RecordFile = z.object({ key: z.string(), digest: Digest });

/** Opens the store in a directory, making it when missing. Throws StoreUnavailable when it cannot be used. */
export async function openDirectoryStore(directory: string): Promise<Store> {
  const root = resolve(directory);
  const name = `directory ${root}`;
  const scratch = join(root, 'scratch');
  await attempt(name, async () => {
    for (const folder of ['blobs', 'records', 'scratch']) {
      await mkdir(join(root, folder), { recursive: true });
    }
    await syncDirectory(root);
    await sweepScratch(scratch);
  });
  return {
    blobs: directoryBlobs(join(root, 'blobs'), scratch, name),
    records: directoryRecords(join(root, 'records'), scratch, name),
    describe: () => name,
  };
}

function directoryBlobs(folder: string, scratch: string, name: string): BlobStore {
  const pathOf = (digest: Digest): string => shard(folder, hexOf(digest));

  async function read(digest: Digest): Promise<Buffer> {
    let frame: Buffer;
    try {
      frame = await readFile(pathOf(digest));
    } catch (error) {
      throw codeOf(error) === 'ENOENT' ? new BlobMissing(digest, name) : error;
    }
    const bytes = await decodeBlobFrame(frame);
    if (typeof bytes === 'string') throw new BlobCorrupted(digest, name, bytes);
    const actual = await digestOfLarge(bytes);
    if (actual !== digest) {
      throw new BlobCorrupted(digest, name, `its bytes have the digest ${actual}`);
    }
    return bytes;
  }

  /** Refreshes a blob's age; false when it is missing or must be written again. */
  async function refresh(digest: Digest): Promise<boolean> {
    const path = pathOf(digest);
    const now = new Date();
    try {
      await read(digest);
      // Only the owner of a file may do this; another user's process replaces the file instead.
      await utimes(path, now, now);
      await syncDirectory(dirname(path));
      return true;
    } catch (error) {
      if (error instanceof BlobMissing || error instanceof BlobCorrupted) return false;
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EPERM') return false;
      throw error;
    }
  }

  async function write(bytes: Uint8Array): Promise<BlobRef> {
    const digest = await digestOfLarge(bytes);
    if (!(await refresh(digest))) {
      await replaceFile(pathOf(digest), await encodeBlobFrame(bytes), scratch);
    }
    return { digest, sizeBytes: bytes.length };
  }

  return {
    put: (bytes) => attempt(name, () => write(bytes)),
    get: (digest) => attempt(name, () => read(digest)),
    has: (digest) => attempt(name, () => exists(pathOf(digest))),
  };
}

function directoryRecords(folder: string, scratch: string, name: string): RecordStore {
  const pathOf = (key: string): string => shard(folder, hexOf(digestOf(Buffer.from(key))));

  async function find(key: string): Promise<Digest | undefined> {
    let text: string;
    try {
      text = await readFile(pathOf(key), 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    return parseRecord(text, key, name);
  }

  async function create(key: string, digest: Digest): Promise<Digest> {
    hexOf(digest);
    const earlier = await find(key);
    if (earlier !== undefined) {
      await syncDirectory(dirname(pathOf(key)));
      return earlier;
    }
    const text = `${JSON.stringify({ key, digest })}\n`;
    if (await createFile(pathOf(key), [Buffer.from(text)], scratch)) return digest;
    const winner = await find(key);
    if (winner === undefined) throw new RecordCorrupted(key, name, 'it was deleted while in use');
    return winner;
  }

  return {
    create: (key, digest) => attempt(name, () => create(key, digest)),
    find: (key) => attempt(name, () => find(key)),
  };
}

function parseRecord(text: string, key: string, name: string): Digest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RecordCorrupted(key, name, 'it is not JSON');
  }
  const record = RecordFile.safeParse(value);
  if (!record.success) throw new RecordCorrupted(key, name, 'it holds no key and digest');
  if (record.data.key !== key) {
    throw new RecordCorrupted(key, name, `it holds the key ${JSON.stringify(record.data.key)}`);
  }
  return record.data.digest;
}

function shard(folder: string, hex: string): string {
  return join(folder, hex.slice(0, 2), hex.slice(2));
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Runs an operation; a system error becomes StoreUnavailable. */
async function attempt<T>(name: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw toStoreFailure(error, name);
  }
}
