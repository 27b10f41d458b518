import { execFile, execFileSync } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A file system of its own for the store, which can be full or read-only. */
export interface ChaosDisk {
  readonly folder: string;
  /** What it is, for reports; `possible` is false where it cannot be disturbed. */
  readonly about: string;
  readonly possible: boolean;
  /** Leaves no byte free for a while. */
  fill(forMs: number): Promise<void>;
  /** Refuses every write for a while. */
  makeReadOnly(forMs: number): Promise<void>;
  close(): Promise<void>;
}

const SIZE_MIB = 1024;
const CHUNK = Buffer.alloc(2 ** 20);

/** A small tmpfs, which needs the right to mount; without it a plain folder that cannot be disturbed. */
export async function openChaosDisk(folder: string): Promise<ChaosDisk> {
  await mkdir(folder, { recursive: true });
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MIB}m`, 'rlm-chaos', folder]);
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n').at(1) ?? error.message) : '';
    return {
      folder,
      about: `a folder of the machine's disk: no right to mount a tmpfs (${why.trim()})`,
      possible: false,
      fill: () => Promise.resolve(),
      makeReadOnly: () => Promise.resolve(),
      close: () => rm(folder, { recursive: true, force: true }),
    };
  }
  // Also when this process is told to end in the middle: a mount would stay.
  const unmount = (): void => void execFileSync('umount', ['-l', folder]);
  process.once('exit', unmount);
  return {
    folder,
    about: `a tmpfs of ${SIZE_MIB} MiB, filled to its last byte, or mounted read-only`,
    possible: true,
    fill: async (forMs) => {
      const filler = join(folder, 'filler');
      await fillUp(filler, forMs);
      await rm(filler, { force: true });
    },
    makeReadOnly: async (forMs) => {
      await remount(folder, 'ro');
      await sleep(forMs);
      await remount(folder, 'rw');
    },
    close: async () => {
      process.removeListener('exit', unmount);
      unmount();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Again and again, since what others delete meanwhile would be free. */
async function fillUp(path: string, forMs: number): Promise<void> {
  const until = Date.now() + forMs;
  const file = await open(path, 'w');
  try {
    while (Date.now() < until) {
      for (const chunk of [CHUNK, CHUNK.subarray(0, 4096)]) {
        // Until it throws: that is the point.
        while (await file.write(chunk).then(isWhole(chunk), () => false));
      }
      await sleep(20);
    }
  } finally {
    await file.close();
  }
}

function isWhole(chunk: Buffer): (result: { bytesWritten: number }) => boolean {
  return ({ bytesWritten }) => bytesWritten === chunk.length;
}

/** Refused while a file is open for writing: then it is tried again at once. */
async function remount(folder: string, how: 'ro' | 'rw'): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await run('mount', ['-o', `remount,${how}`, folder]);
      return;
    } catch (error) {
      if (attempt === 500) throw error;
      await sleep(5);
    }
  }
}
