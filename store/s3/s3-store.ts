/**
 * A store in a bucket of any server that speaks S3 and honours `If-None-Match: *`, used by any number of processes.
 *
 *   blobs/ab/<62 more hex digits>    a blob frame (see blob-frame.ts), named by the digest of its plain bytes
 *   records/ab/<62 more hex digits>  {"key","digest"}, named by the digest of its key
 *   roots/<64 hex digits>/<name>     pieces of root records, by owner
 *   trash/<64 hex digits>            blobs that a collection has taken away
 *   clock                            written to read the server's clock
 *   store.json                       what this is
 *
 * S1  A record is created by a conditional PUT: the first writer wins.
 * S2  S3 cannot delete an object on condition that nobody has put it again. So a blob that is taken away is copied into
 *     the trash first, where reads find it; a collection that is a grace later brings back what a root names by then.
 */
import type { BlobRef, Digest } from '../../protocol/index.ts';
import { decodeBlobFrame, encodeBlobFrame } from '../blob-frame.ts';
import { digestOf, digestOfLarge, hexOf } from '../digest.ts';
import { BlobCorrupted, BlobMissing, RecordCorrupted, StoreLocationInvalid } from '../errors.ts';
import { encodeRecord, parseRecord } from '../record-file.ts';
import { type RootFiles, rootsIn } from '../roots.ts';
import { encodeMarker, MARKER, parseMarker } from '../store-marker.ts';
import type { BlobStore, RecordStore, Store, TrashSettled } from '../store.ts';
import { parseS3Location } from './location.ts';
import { S3Objects } from './objects.ts';

/** Opens the store at `s3://bucket/prefix`. Throws StoreLocationInvalid, and StoreUnavailable when it cannot be used. */
export async function openS3Store(
  location: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Store> {
  const objects = new S3Objects(parseS3Location(location, env));
  const rootsSinceMs = await mark(objects);
  const blobs = new S3Blobs(objects);
  return {
    blobs,
    records: s3Records(objects),
    roots: rootsIn(s3Roots(objects), objects.name),
    upkeep: {
      nowMs: () => nowMs(objects),
      rootsSinceMs: async () => rootsSinceMs,
      blobs: async function* () {
        for await (const { key, sizeBytes, modifiedMs } of objects.list('blobs/')) {
          const hex = key.slice('blobs/'.length).replace('/', '');
          if (!/^[0-9a-f]{64}$/.test(hex)) continue;
          yield { digest: `sha256:${hex}`, storedBytes: sizeBytes, modifiedMs };
        }
      },
      discard: (digest, sinceMs) => blobs.discard(digest, sinceMs),
      settleTrash: (isLive, sinceMs) => blobs.settleTrash(isLive, sinceMs),
      removeRecord: (key) => objects.remove(recordPath(key)),
    },
    describe: () => objects.name,
  };
}

/** Says what the prefix is, and finds out whether the server keeps the promise that records rest on. */
async function mark(objects: S3Objects): Promise<number> {
  const found = await objects.get(MARKER);
  if (found !== undefined) return parseMarker(found, objects.name);
  const isNew = (await objects.list('blobs/').next()).done === true;
  const bytes = encodeMarker(isNew ? 0 : await nowMs(objects));
  await objects.create(MARKER, bytes);
  if (await objects.create(MARKER, bytes)) {
    await objects.remove(MARKER);
    throw new StoreLocationInvalid(
      `cannot keep a store at ${objects.name}: its server overwrites an object in spite of If-None-Match, so two writers of a record would not agree`,
    );
  }
  return parseMarker((await objects.get(MARKER)) ?? Buffer.alloc(0), objects.name);
}

async function nowMs(objects: S3Objects): Promise<number> {
  await objects.put('clock', Buffer.from('\n'));
  return (await objects.head('clock'))?.modifiedMs ?? 0;
}

function sharded(folder: string, hex: string): string {
  return `${folder}/${hex.slice(0, 2)}/${hex.slice(2)}`;
}

function recordPath(key: string): string {
  return sharded('records', hexOf(digestOf(Buffer.from(key))));
}

class S3Blobs implements BlobStore {
  readonly #objects: S3Objects;

  constructor(objects: S3Objects) {
    this.#objects = objects;
  }

  /** Always sent: that refreshes its age and mends it where it was damaged. */
  async put(bytes: Uint8Array): Promise<BlobRef> {
    const digest = await digestOfLarge(bytes);
    await this.#objects.put(this.#path(digest), Buffer.concat(await encodeBlobFrame(bytes)));
    return { digest, sizeBytes: bytes.length };
  }

  async get(digest: Digest): Promise<Buffer> {
    const { name } = this.#objects;
    const frame = await this.#anywhere(digest, (path) => this.#objects.get(path));
    if (frame === undefined) throw new BlobMissing(digest, name);
    const bytes = await decodeBlobFrame(frame);
    if (typeof bytes === 'string') throw new BlobCorrupted(digest, name, bytes);
    const actual = await digestOfLarge(bytes);
    if (actual === digest) return bytes;
    throw new BlobCorrupted(digest, name, `its bytes have the digest ${actual}`);
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.#anywhere(digest, (path) => this.#objects.head(path))) !== undefined;
  }

  /** Copied onto itself by the server, or written again as it is where that does not renew its age. */
  async touch(digest: Digest): Promise<void> {
    if (await this.#objects.renew(this.#path(digest))) return;
    const frame = await this.#anywhere(digest, (path) => this.#objects.get(path));
    if (frame === undefined) throw new BlobMissing(digest, this.#objects.name);
    await this.#objects.put(this.#path(digest), frame);
  }

  async discard(digest: Digest, sinceMs: number): Promise<boolean> {
    const info = await this.#objects.head(this.#path(digest));
    if (info === undefined || info.modifiedMs > sinceMs) return false;
    if (!(await this.#objects.copy(this.#path(digest), this.#trash(digest)))) return false;
    await this.#objects.remove(this.#path(digest));
    return true;
  }

  async settleTrash(isLive: (digest: Digest) => boolean, sinceMs: number): Promise<TrashSettled> {
    const settled = { restored: 0, waiting: 0, waitingBytes: 0, freed: 0, freedBytes: 0 };
    for await (const { key, sizeBytes, modifiedMs } of this.#objects.list('trash/')) {
      const digest = `sha256:${key.slice('trash/'.length)}`;
      if (isLive(digest)) {
        const isThere = (await this.#objects.head(this.#path(digest))) !== undefined;
        if (!isThere) await this.#objects.copy(key, this.#path(digest));
        await this.#objects.remove(key);
        settled.restored += 1;
      } else if (modifiedMs > sinceMs) {
        settled.waiting += 1;
        settled.waitingBytes += sizeBytes;
      } else {
        await this.#objects.remove(key);
        settled.freed += 1;
        settled.freedBytes += sizeBytes;
      }
    }
    return settled;
  }

  #path(digest: Digest): string {
    return sharded('blobs', hexOf(digest));
  }

  #trash(digest: Digest): string {
    return `trash/${hexOf(digest)}`;
  }

  /** A collection may move it between two looks, so its place is looked at again at the end. */
  async #anywhere<T>(
    digest: Digest,
    look: (path: string) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const path = this.#path(digest);
    return (await look(path)) ?? (await look(this.#trash(digest))) ?? (await look(path));
  }
}

function s3Records(objects: S3Objects): RecordStore {
  async function find(key: string): Promise<Digest | undefined> {
    const text = await objects.get(recordPath(key));
    return text && parseRecord(text.toString('utf8'), key, objects.name);
  }
  return {
    find,
    create: async (key, digest) => {
      hexOf(digest);
      if (await objects.create(recordPath(key), encodeRecord(key, digest))) return digest;
      const winner = await find(key);
      if (winner !== undefined) return winner;
      throw new RecordCorrupted(key, objects.name, 'it was deleted while in use');
    },
  };
}

function rootPath(owner: string, name: string): string {
  return `roots/${owner}/${name}`;
}

function s3Roots(objects: S3Objects): RootFiles {
  return {
    write: (owner, name, bytes) => objects.put(rootPath(owner, name), bytes),
    list: async function* (owner) {
      const prefix = owner === undefined ? 'roots/' : `roots/${owner}/`;
      for await (const { key, modifiedMs } of objects.list(prefix)) {
        const [, of, name] = key.split('/');
        if (of !== undefined && name !== undefined) yield { owner: of, name, modifiedMs };
      }
    },
    read: (owner, name) => objects.get(rootPath(owner, name)),
    remove: (owner, name) => objects.remove(rootPath(owner, name)),
  };
}
