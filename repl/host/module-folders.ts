import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { REPL_FOLDER } from './assets.ts';

/** Packages that a host loads. */
const PACKAGES = ['isolated-vm', 'pyodide', 'zod'] as const;

/**
 * Folders that hold the packages of a host, by every name that Node reads them under: as found above this room, and as
 * they really lie where those are links (workspaces, pnpm).
 */
export function moduleFolders(): string[] {
  const folders = new Set<string>();
  for (let at = REPL_FOLDER; ; at = dirname(at)) {
    const folder = join(at, 'node_modules');
    if (existsSync(folder)) folders.add(folder).add(realpathSync(folder));
    if (dirname(at) === at) break;
  }
  const { resolve } = createRequire(join(REPL_FOLDER, 'package.json'));
  for (const name of PACKAGES) folders.add(packagesAround(resolve(name)));
  return [...folders];
}

/** The `node_modules` that a file of a package lies in: its dependencies are there, too. */
function packagesAround(file: string): string {
  const at = file.lastIndexOf(`${sep}node_modules${sep}`);
  return at === -1 ? dirname(file) : join(file.slice(0, at), 'node_modules');
}
