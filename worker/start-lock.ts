import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { types } from 'node:util';

const LOOK_MS = 50;

/**
 * Runs `work` while no other process runs its own on the same lock file. The lock is the operating system's (through
 * SQLite), so it goes with the process that holds it, however that ends. Throws when it is not free in time.
 */
export async function withLock<T>(
  path: string,
  timeoutMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const lock = new DatabaseSync(path);
  try {
    const deadline = Date.now() + timeoutMs;
    while (!tryLock(lock)) {
      if (Date.now() > deadline) throw new Error(`another process holds ${path}`);
      await setTimeout(LOOK_MS);
    }
    return await work();
  } finally {
    lock.close();
  }
}

const SQLITE_BUSY = 5;

function tryLock(lock: DatabaseSync): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (types.isNativeError(error) && 'errcode' in error && error.errcode === SQLITE_BUSY)
      return false;
    throw error;
  }
}
