import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runProgram } from './run-program.ts';

/** The version that set-up installs: server 1.32.0, Web UI 2.54.1. */
export const TEMPORAL_CLI_VERSION = '1.9.1';
/** Older ones have servers that do not keep summaries and current details. */
const OLDEST_VERSION = [1, 3] as const;

/** Where a cache directory keeps the CLI that set-up installed. */
export function cachedCliPath(cacheDir: string): string {
  return join(cacheDir, 'temporal-cli', TEMPORAL_CLI_VERSION, 'temporal');
}

/** Runs a CLI and returns its version, or a phrase that says why it cannot be used. */
export async function checkCli(path: string): Promise<{ version: string } | { problem: string }> {
  const { stdout, failure } = await runProgram(path, ['--version'], { timeoutMs: 10_000 });
  if (failure !== null) return { problem: `${path}: ${failure}` };
  const match = /^temporal version (\d+)\.(\d+)(\S*)/.exec(stdout);
  if (match === null) return { problem: `${path} is not the Temporal CLI` };
  const [major, minor] = [Number(match[1]), Number(match[2])];
  const version = `${major}.${minor}${match[3]}`;
  const [oldestMajor, oldestMinor] = OLDEST_VERSION;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    return { problem: `${path} is version ${version}, older than ${OLDEST_VERSION.join('.')}` };
  }
  return { version };
}

/**
 * Puts an executable into the cache: `fill` writes it to a path in the same file system, it is run once, synced and
 * renamed, so the cached path never names half a file. Returns a phrase that says why it failed, else null.
 */
export async function installCli(
  cacheDir: string,
  fill: (path: string, folder: string) => Promise<string | null>,
): Promise<string | null> {
  const target = cachedCliPath(cacheDir);
  const folder = join(dirname(dirname(target)), `.new-${process.pid}-${randomUUID()}`);
  const fresh = join(folder, 'temporal');
  try {
    await mkdir(folder, { recursive: true });
    const problem = await fill(fresh, folder);
    if (problem !== null) return problem;
    await chmod(fresh, 0o755);
    const checked = await checkCli(fresh);
    if ('problem' in checked) return checked.problem;
    const handle = await open(fresh, 'r');
    await handle.sync();
    await handle.close();
    await mkdir(dirname(target), { recursive: true });
    await rename(fresh, target);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
