/**
 * Files that appear whole or not at all, and stay after a power cut: written under a temporary name in the
 * same file system, synced, published under their name, and the directory synced.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A temporary file this old belongs to a process that died: no write takes an hour. */
const STALE_AFTER_MS = 3_600_000;

/** Publishes a file, replacing one of that name; durable when it resolves. Missing folders are made. */
export async function replaceFile(
  path: string,
  chunks: Uint8Array[],
  scratch: string,
): Promise<void> {
  const temporary = await writeTemporary(chunks, scratch);
  try {
    await intoFolder(path, () => rename(temporary, path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Publishes a file unless the name is taken: false if it was. Either way the name is durable when it resolves. */
export async function createFile(
  path: string,
  chunks: Uint8Array[],
  scratch: string,
): Promise<boolean> {
  const temporary = await writeTemporary(chunks, scratch);
  let created = true;
  try {
    await intoFolder(path, () => link(temporary, path));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    created = false;
  } finally {
    await rm(temporary, { force: true });
  }
  // Also when another process created it: it may not have come to its own sync yet.
  await syncDirectory(dirname(path));
  return created;
}

/** Removes what processes that died have left in the scratch folder. */
export async function sweepScratch(scratch: string, nowMs: number = Date.now()): Promise<void> {
  for (const name of await readdir(scratch)) {
    const path = join(scratch, name);
    const info = await stat(path).catch(() => undefined);
    if (info?.isFile() && nowMs - info.mtimeMs > STALE_AFTER_MS) await rm(path, { force: true });
  }
}

/** Makes the entries of a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The `code` of a system error, else ''. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

async function writeTemporary(chunks: Uint8Array[], scratch: string): Promise<string> {
  const path = join(scratch, `${process.pid}-${randomUUID()}`);
  const handle = await open(path, 'wx', 0o644);
  try {
    for (const chunk of chunks) await handle.writeFile(chunk);
    await handle.sync();
  } catch (error) {
    await handle.close();
    await rm(path, { force: true });
    throw error;
  }
  await handle.close();
  return path;
}

/** Runs `publish`; when the folder is missing makes it, durably, and runs it again. */
async function intoFolder(path: string, publish: () => Promise<void>): Promise<void> {
  try {
    await publish();
  } catch (error) {
    const folder = dirname(path);
    if (codeOf(error) !== 'ENOENT') throw error;
    await mkdir(folder, { recursive: true });
    await syncDirectory(dirname(folder));
    await publish();
  }
}
