import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where a machine keeps its runs: `RLM_HOME`, default `.rlm` in the working directory. */
export interface Home {
  dir: string;
  /** Blobs and records of all runs: `RLM_STORE`, default `store` in `dir`. The workers must use the same one. */
  storeLocation: string;
  /** Database of the embedded Temporal server. */
  dbFile: string;
  /** Base images, shared by all homes of a user: `RLM_CACHE_DIR`, default `durable-rlm` in the user's cache. */
  cacheDir: string;
}

export function homeFrom(env: NodeJS.ProcessEnv): Home {
  const named = env['RLM_HOME'];
  const dir = resolve(named === undefined || named === '' ? '.rlm' : named);
  return {
    dir,
    storeLocation: env['RLM_STORE'] || join(dir, 'store'),
    dbFile: join(dir, 'temporal.db'),
    cacheDir:
      env['RLM_CACHE_DIR'] ||
      join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'durable-rlm'),
  };
}
