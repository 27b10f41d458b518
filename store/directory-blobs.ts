import { join } from 'node:path';
import type { BlobRef, Digest } from '../protocol/index.ts';
import { decodeBlobFrame, encodeBlobFrame } from './blob-frame.ts';
import { digestOfLarge, hexOf } from './digest.ts';
import { codeOf, type DurableFiles } from './durable-file.ts';
import { BlobCorrupted, BlobMissing } from './errors.ts';
import type { FileSystem } from './file-system.ts';
import type { BlobStore, StoredBlob, TrashSettled } from './store.ts';

/** Where the files of a directory store are. */
export interface StoreFolder {
  root: string;
  /** For messages. */
  name: string;
  files: FileSystem;
  durable: DurableFiles;
}

export function shardedPath(folder: string, hex: string): string {
  return join(folder, hex.slice(0, 2), hex.slice(2));
}

/**
 * Blobs as files, and the trash.
 *
 * B1  A blob is taken away by renaming it into the trash and looking at its age there: a put or touch that came before
 *     the rename is seen and the blob brought back; one that comes after it finds no file and writes it again.
 * B2  What a killed collection leaves in the trash is still read, and settled by the next one.
 */
export class DirectoryBlobs implements BlobStore {
  readonly #folder: StoreFolder;

  constructor(folder: StoreFolder) {
    this.#folder = folder;
  }

  async put(bytes: Uint8Array): Promise<BlobRef> {
    const digest = await digestOfLarge(bytes);
    if (!(await this.#refresh(digest))) {
      await this.#folder.durable.replace(this.#path(digest), await encodeBlobFrame(bytes));
    }
    return { digest, sizeBytes: bytes.length };
  }

  async get(digest: Digest): Promise<Buffer> {
    const { name } = this.#folder;
    const frame = await this.#anywhere(digest, (path) => this.#folder.files.readFile(path));
    if (frame === undefined) throw new BlobMissing(digest, name);
    return this.#decode(digest, frame);
  }

  async has(digest: Digest): Promise<boolean> {
    const found = await this.#anywhere(digest, (path) => this.#folder.files.stat(path));
    return found !== undefined;
  }

  async touch(digest: Digest): Promise<void> {
    const path = this.#path(digest);
    try {
      if (!(await this.#stamp(path))) {
        await this.#bringBack(digest);
        if (!(await this.#stamp(path))) throw new BlobMissing(digest, this.#folder.name);
      }
    } catch (error) {
      // Only the owner of a file may do this; another user's process replaces the file instead.
      if (codeOf(error) !== 'EPERM') throw error;
      const bytes = await this.get(digest);
      await this.#folder.durable.replace(path, await encodeBlobFrame(bytes));
    }
  }

  async *list(): AsyncGenerator<StoredBlob> {
    const { files, root } = this.#folder;
    const blobs = join(root, 'blobs');
    for (const shard of await files.readdir(blobs)) {
      if (!/^[0-9a-f]{2}$/.test(shard)) continue;
      for (const rest of await files.readdir(join(blobs, shard))) {
        if (!/^[0-9a-f]{62}$/.test(rest)) continue;
        const info = await orNothing(files.stat(join(blobs, shard, rest)));
        if (info === undefined) continue;
        const { size, mtimeMs } = info;
        yield { digest: `sha256:${shard}${rest}`, storedBytes: size, modifiedMs: mtimeMs };
      }
    }
  }

  async discard(digest: Digest, sinceMs: number): Promise<boolean> {
    const { files } = this.#folder;
    const [path, trash] = [this.#path(digest), this.#trash(digest)];
    const info = await orNothing(files.stat(path));
    if (info === undefined || info.mtimeMs > sinceMs) return false;
    try {
      await files.rename(path, trash);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
    const moved = await orNothing(files.stat(trash));
    if (moved !== undefined && moved.mtimeMs > sinceMs) {
      await this.#bringBack(digest);
      await files.remove(trash);
      return false;
    }
    await files.remove(trash);
    return true;
  }

  async settleTrash(isLive: (digest: Digest) => boolean, sinceMs: number): Promise<TrashSettled> {
    const { files, root } = this.#folder;
    const settled = { restored: 0, waiting: 0, waitingBytes: 0, freed: 0, freedBytes: 0 };
    for (const hex of await files.readdir(join(root, 'trash'))) {
      const digest = `sha256:${hex}`;
      const info = await orNothing(files.stat(join(root, 'trash', hex)));
      if (info === undefined) continue;
      if (isLive(digest) || info.mtimeMs > sinceMs) {
        await this.#bringBack(digest);
        settled.restored += 1;
      } else {
        settled.freed += 1;
        settled.freedBytes += info.size;
      }
      await files.remove(join(root, 'trash', hex));
    }
    return settled;
  }

  #path(digest: Digest): string {
    return shardedPath(join(this.#folder.root, 'blobs'), hexOf(digest));
  }

  #trash(digest: Digest): string {
    return join(this.#folder.root, 'trash', hexOf(digest));
  }

  /** A collection may move the file between two looks, so its place is looked at again at the end. */
  async #anywhere<T>(digest: Digest, look: (path: string) => Promise<T>): Promise<T | undefined> {
    const path = this.#path(digest);
    return (
      (await orNothing(look(path))) ??
      (await orNothing(look(this.#trash(digest)))) ??
      (await orNothing(look(path)))
    );
  }

  async #decode(digest: Digest, frame: Buffer): Promise<Buffer> {
    const { name } = this.#folder;
    const bytes = await decodeBlobFrame(frame);
    if (typeof bytes === 'string') throw new BlobCorrupted(digest, name, bytes);
    const actual = await digestOfLarge(bytes);
    if (actual === digest) return bytes;
    throw new BlobCorrupted(digest, name, `its bytes have the digest ${actual}`);
  }

  /** Refreshes a blob's age; false when it is missing or must be written again. */
  async #refresh(digest: Digest): Promise<boolean> {
    const path = this.#path(digest);
    try {
      const frame = await orNothing(this.#folder.files.readFile(path));
      if (frame === undefined) return false;
      await this.#decode(digest, frame);
      return await this.#stamp(path);
    } catch (error) {
      if (error instanceof BlobCorrupted || codeOf(error) === 'EPERM') return false;
      throw error;
    }
  }

  /** Sets a file's age to now, durably; false when it is not there. */
  async #stamp(path: string): Promise<boolean> {
    const { files, durable } = this.#folder;
    const now = new Date();
    try {
      await files.utimes(path, now, now);
      const handle = await files.open(path, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
    await durable.settle(path);
    return true;
  }

  async #bringBack(digest: Digest): Promise<void> {
    const path = this.#path(digest);
    try {
      await this.#folder.files.link(this.#trash(digest), path);
    } catch (error) {
      // Put again meanwhile, or brought back by somebody else.
      if (codeOf(error) !== 'EEXIST' && codeOf(error) !== 'ENOENT') throw error;
      return;
    }
    await this.#folder.durable.settle(path);
  }
}

/** The result, or undefined where there is no such file. */
export async function orNothing<T>(operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
