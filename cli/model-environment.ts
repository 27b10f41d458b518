import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Looked for in this order. */
const CONFIG_FILES = ['rlm.config.ts', 'rlm.config.mjs', 'rlm.config.js', 'rlm.config.json'];

/** The environment with the model configuration that lies in the working directory, unless it names one itself; an empty `RLM_CONFIG` means none. */
export function modelEnvironment(
  env: NodeJS.ProcessEnv = process.env,
  folder = process.cwd(),
): NodeJS.ProcessEnv {
  if (env['RLM_CONFIG'] !== undefined) return env;
  const found = CONFIG_FILES.map((name) => join(folder, name)).find((path) => existsSync(path));
  return found === undefined ? env : { ...env, RLM_CONFIG: found };
}
