import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { arch } from 'node:process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The wall clock of worker processes, which can be set forward and back while they run. */
export interface WorkerClock {
  /** What jumps, for reports. */
  readonly about: string;
  /** For the environment of the workers. */
  readonly env: NodeJS.ProcessEnv;
  jump(byMs: number): Promise<void>;
}

const TRIPLET = arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
const LIBRARY = `/usr/lib/${TRIPLET}/faketime/libfaketime.so.1`;

/** libfaketime where it is installed, else another `Date` in the workers' main threads. `folder` holds the file that says the time. */
export async function openWorkerClock(folder: string): Promise<WorkerClock> {
  const file = join(folder, 'clock');
  if (existsSync(LIBRARY)) {
    const jump = (byMs: number): Promise<void> =>
      writeFile(file, `${byMs < 0 ? '-' : '+'}${Math.abs(byMs) / 1000}\n`);
    await jump(0);
    return {
      about: 'the wall clock of the worker processes, by libfaketime (not their monotonic clock)',
      env: {
        LD_PRELOAD: LIBRARY,
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        DONT_FAKE_MONOTONIC: '1',
        FAKETIME_CACHE_DURATION: '1',
        NO_FAKE_STAT: '1',
      },
      jump,
    };
  }
  const jump = (byMs: number): Promise<void> => writeFile(file, String(byMs));
  await jump(0);
  return {
    about: 'Date in the main thread of the worker processes (libfaketime is not installed)',
    env: {
      CHAOS_CLOCK_FILE: file,
      NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, 'shifted-date.ts')).href}`,
    },
    jump,
  };
}
