import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Who uses the embedded server of a home: one empty file a process, named by its id. The process that started
 * the server stops it only when nobody else is left; files of processes that died count for nothing.
 */
export async function addUser(homeDir: string, pid = process.pid): Promise<void> {
  const dir = usersDir(homeDir);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, String(pid)), '');
}

export async function removeUser(homeDir: string, pid = process.pid): Promise<void> {
  await rm(join(usersDir(homeDir), String(pid)), { force: true });
}

/** Ids of the other processes that use the server now, ascending. */
export async function otherUsers(homeDir: string, self = process.pid): Promise<number[]> {
  const names = await readdir(usersDir(homeDir)).catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  return pids.filter((pid) => pid !== self && isAlive(pid)).toSorted((a, b) => a - b);
}

function usersDir(homeDir: string): string {
  return join(homeDir, 'server-users');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It exists but belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
