/**
 * Files that appear whole or not at all, and stay after a power cut: written under a temporary name in the
 * same file system, synced, published under their name, and the directory synced. A directory is synced into its
 * parent as well before anything in it counts as durable, whichever process has made it.
 */
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { FileSystem } from './file-system.ts';

/** A temporary file this old belongs to a process that died: no write takes an hour. */
const STALE_AFTER_MS = 3_600_000;

export class DurableFiles {
  readonly #files: FileSystem;
  readonly #scratch: string;
  /** Folders whose own names are durable. */
  readonly #anchored = new Set<string>();

  constructor(files: FileSystem, scratch: string) {
    this.#files = files;
    this.#scratch = scratch;
  }

  /** Publishes a file, replacing one of that name; durable when it resolves. Missing folders are made. */
  async replace(path: string, chunks: readonly Uint8Array[]): Promise<void> {
    const temporary = await this.#writeTemporary(chunks);
    try {
      await this.#intoFolder(path, () => this.#files.rename(temporary, path));
    } catch (error) {
      await this.#files.remove(temporary);
      throw error;
    }
    await this.settle(path);
  }

  /** Publishes a file unless the name is taken: false if it was. Either way the name is durable when it resolves. */
  async create(path: string, chunks: readonly Uint8Array[]): Promise<boolean> {
    const temporary = await this.#writeTemporary(chunks);
    let created = true;
    try {
      await this.#intoFolder(path, () => this.#files.link(temporary, path));
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      created = false;
    } finally {
      await this.#files.remove(temporary);
    }
    // Also when another process created it: it may not have come to its own sync yet.
    await this.settle(path);
    return created;
  }

  /** Makes the name of a file durable that this or another process has published. */
  async settle(path: string): Promise<void> {
    const folder = dirname(path);
    if (this.#anchored.has(folder)) return await this.#sync(folder);
    // Another process may have made the folder and died before it synced it.
    await Promise.all([this.#sync(folder), this.#sync(dirname(folder))]);
    this.#anchored.add(folder);
  }

  /** Makes a folder with all its parents, durably. */
  async makeFolder(path: string): Promise<void> {
    const made = await this.#files.makeFolder(path);
    for (let at = path; ; at = dirname(at)) {
      await this.#sync(dirname(at));
      if (made === undefined || at === made || at === dirname(at)) return;
    }
  }

  /** The time by the clock of the file system, which may be another machine's. */
  async nowMs(): Promise<number> {
    const path = await this.#writeTemporary([]);
    try {
      return (await this.#files.stat(path)).mtimeMs;
    } finally {
      await this.#files.remove(path);
    }
  }

  /** Removes what processes that died have left in the scratch folder. */
  async sweepScratch(nowMs: number = Date.now()): Promise<void> {
    for (const name of await this.#files.readdir(this.#scratch)) {
      const path = join(this.#scratch, name);
      const info = await this.#files.stat(path).catch(() => undefined);
      if (info?.isFile() && nowMs - info.mtimeMs > STALE_AFTER_MS) await this.#files.remove(path);
    }
  }

  async #sync(folder: string): Promise<void> {
    const handle = await this.#files.open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async #writeTemporary(chunks: readonly Uint8Array[]): Promise<string> {
    const path = join(this.#scratch, `${process.pid}-${randomUUID()}`);
    const handle = await this.#files.open(path, 'wx');
    try {
      for (const chunk of chunks) await handle.writeFile(chunk);
      await handle.sync();
    } catch (error) {
      await handle.close();
      await this.#files.remove(path);
      throw error;
    }
    await handle.close();
    return path;
  }

  /** Runs `publish`; when the folder is missing makes it and runs it again. */
  async #intoFolder(path: string, publish: () => Promise<void>): Promise<void> {
    try {
      await publish();
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      this.#anchored.delete(dirname(path));
      await this.#files.makeFolder(dirname(path));
      await publish();
    }
  }
}

/** The `code` of a system error, else ''. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
