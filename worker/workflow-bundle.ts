import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const SUFFIX = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
/** The file that workflows are bundled from: `.ts` in a checkout, `.js` in the published package. */
const WORKFLOWS_PATH = fileURLToPath(new URL(`../workflows/index${SUFFIX}`, import.meta.url));
/** The only rooms that a workflow may import (see ARCHITECTURE.md). */
const ROOMS = ['workflows', 'protocol'];
const PACKAGES = ['@temporalio/worker', '@temporalio/workflow', '@noble/hashes', 'zod'];

export interface WorkflowBundlePath {
  codePath: string;
}

/**
 * The workflows' bundle as a file of `cacheDir`, named by everything that it is made of: made once (about 2 s), found
 * by every later start. Atomic; several processes may make it at once.
 */
export async function bundleWorkflows(cacheDir: string): Promise<WorkflowBundlePath> {
  const codePath = join(cacheDir, 'workflows', `${await sourcesDigest()}.js`);
  try {
    await stat(codePath);
    return { codePath };
  } catch {
    const { code } = await bundleWorkflowCode({
      workflowsPath: WORKFLOWS_PATH,
      logger: new DefaultLogger('WARN'),
    });
    await mkdir(join(cacheDir, 'workflows'), { recursive: true });
    const temporary = `${codePath}.${process.pid}.tmp`;
    await writeFile(temporary, code, { flush: true });
    await rename(temporary, codePath);
    return { codePath };
  }
}

async function sourcesDigest(): Promise<string> {
  const digest = createHash('sha256');
  for (const room of ROOMS) {
    const folder = fileURLToPath(new URL(`../${room}/`, import.meta.url));
    for (const name of (await readdir(folder)).toSorted()) {
      if (name.endsWith(SUFFIX)) digest.update(name).update(await readFile(join(folder, name)));
    }
  }
  for (const name of PACKAGES) digest.update(`${name} ${await packageVersion(name)}`);
  return digest.digest('hex').slice(0, 16);
}

/** From the package's folder, since not every package exports its package.json. */
async function packageVersion(name: string): Promise<string> {
  const require = createRequire(import.meta.url);
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      const file = JSON.parse(await readFile(join(folder, name, 'package.json'), 'utf8'));
      return String(file.version);
    } catch {
      // The next folder up.
    }
  }
  throw new Error(`The package ${name} is not installed; run npm ci.`);
}
