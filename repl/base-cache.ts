import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { readAssets } from './host/assets.ts';
import { BaseDescription, DESCRIPTION_FILE, SNAPSHOT_FILE } from './host/base-description.ts';
import { HostProcess } from './host/host-process.ts';

export interface PreparedBase {
  /** Where the base image lies: a folder of `cacheDir`. */
  folder: string;
  description: BaseDescription;
  built: boolean;
}

/**
 * Finds the base image of this program in `cacheDir`, or builds it (some seconds). Idempotent and atomic: two processes
 * may do it at once, and one that dies leaves nothing that another would take for whole.
 */
export async function prepareBase(
  cacheDir: string,
  onProgress: (line: string) => void,
): Promise<PreparedBase> {
  const folder = resolve(cacheDir, `kernel-${assetsDigest()}-${process.arch}`);
  const found = await readDescription(folder);
  if (found) return { folder, description: found, built: false };
  onProgress('building the base image of the Python kernel (once, about 10 s)');
  const host = await HostProcess.start({ baseFolder: null, parkedMiB: 0, warmKernels: 0 });
  try {
    const { result: description, attachments } = await host.ask({ op: 'build' });
    const [snapshot] = attachments;
    if (snapshot === undefined) throw new Error('the kernel host sent no snapshot');
    await keep(folder, snapshot, description);
    onProgress(`base image ${description.runtime} is ready`);
    return { folder, description, built: true };
  } finally {
    await host.dispose();
  }
}

async function readDescription(folder: string): Promise<BaseDescription | undefined> {
  try {
    return BaseDescription.parse(
      JSON.parse(await readFile(join(folder, DESCRIPTION_FILE), 'utf8')),
    );
  } catch {
    return undefined;
  }
}

/** The whole folder appears by one rename. */
async function keep(folder: string, snapshot: Buffer, description: BaseDescription): Promise<void> {
  const temporary = `${folder}.${process.pid}.${Date.now()}.tmp`;
  await mkdir(temporary, { recursive: true });
  await writeDurably(join(temporary, SNAPSHOT_FILE), snapshot);
  await writeDurably(
    join(temporary, DESCRIPTION_FILE),
    Buffer.from(JSON.stringify(description, null, 2)),
  );
  try {
    await rename(temporary, folder);
  } catch (error) {
    // Another process was faster, or an unreadable leftover lies there.
    if (await readDescription(folder)) await rm(temporary, { recursive: true, force: true });
    else {
      await rm(folder, { recursive: true, force: true });
      await rename(temporary, folder).catch(() => {
        throw error;
      });
    }
  }
}

async function writeDurably(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Everything that a base image is made from, the code that boots and warms it up included. */
function assetsDigest(): string {
  const digest = createHash('sha256');
  for (const [name, content] of Object.entries(readAssets())) digest.update(name).update(content);
  const host = join(import.meta.dirname, 'host');
  for (const name of readdirSync(host).toSorted()) {
    if (/\.[tj]s$/.test(name)) digest.update(name).update(readFileSync(join(host, name)));
  }
  return digest.digest('hex').slice(0, 16);
}
