import { glob, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { InvalidInput } from './errors.ts';

/** One file; `name` is its path below the folder or the fixed part of the pattern that it was found by. */
export interface LocalFile {
  path: string;
  name: string;
  sizeBytes: number;
}

/** What a location names: one file, or those of a folder or pattern. Notes say what was left out. */
export interface LocalListing {
  single: boolean;
  files: LocalFile[];
  notes: string[];
}

/** The largest file that is taken: one object of the REPL holds no more. */
export const MAX_FILE_BYTES = 2 ** 31 - 1;

/**
 * The files that a path or glob pattern names, sorted by name. Hidden files and links to folders are left out and noted,
 * unless the location itself names them. Throws InvalidInput when there is nothing.
 */
export async function listLocalFiles(location: string): Promise<LocalListing> {
  const info = await stat(location).catch((error: unknown) => {
    if (isMissing(error) && /[*?[\]{}]/.test(location)) return null;
    throw pathProblem(error, location);
  });
  if (info === null) return await globbed(location);
  if (!info.isDirectory()) {
    if (!info.isFile()) throw new InvalidInput(`${location} is not a regular file`);
    const file = { path: location, name: basename(location), sizeBytes: info.size };
    return { single: true, files: [file], notes: [] };
  }
  const notes: string[] = [];
  const files = await filesIn(location, '', notes);
  if (files.length === 0) throw new InvalidInput(`the folder ${location} holds no files`);
  return { single: false, files, notes };
}

/** The bytes of a file. Throws InvalidInput, which names it: missing, not readable, larger than an object may be. */
export async function readLocalFile({
  path,
  sizeBytes,
}: Pick<LocalFile, 'path' | 'sizeBytes'>): Promise<Buffer<ArrayBuffer>> {
  if (sizeBytes > MAX_FILE_BYTES) {
    throw new InvalidInput(
      `${path} has ${Math.ceil(sizeBytes / 1e6).toLocaleString('en')} MB: one object of the REPL may have 2 GiB (2,147 MB), split the file`,
    );
  }
  try {
    return await readFile(path);
  } catch (error) {
    throw pathProblem(error, path);
  }
}

async function filesIn(root: string, folder: string, notes: string[]): Promise<LocalFile[]> {
  const found: LocalFile[] = [];
  const at = join(root, folder);
  const entries = await readdir(at, { withFileTypes: true }).catch((error: unknown) => {
    if (folder === '') throw pathProblem(error, root);
    notes.push(`${at} cannot be read (no permission): left out`);
    return [];
  });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
    const path = join(root, name);
    if (entry.name.startsWith('.')) notes.push(`${path} is hidden: left out`);
    else if (entry.isDirectory()) found.push(...(await filesIn(root, name, notes)));
    else await addFile(found, path, name, notes);
  }
  return found;
}

async function globbed(pattern: string): Promise<LocalListing> {
  const base = fixedPart(pattern);
  const notes: string[] = [];
  const files: LocalFile[] = [];
  const hiddenIsMeant = pattern.split('/').some((part) => /^\.[^./]/.test(part));
  const paths: string[] = [];
  for await (const path of glob(pattern)) paths.push(path);
  for (const path of paths.toSorted()) {
    const name = relative(base, path).split(sep).join('/');
    if (!hiddenIsMeant && name.split('/').some((part) => part.startsWith('.'))) continue;
    const info = await stat(path).catch(() => null);
    if (info?.isDirectory() === true) continue;
    await addFile(files, path, name, notes);
  }
  if (files.length === 0) throw new InvalidInput(`no file matches ${pattern}`);
  return { single: false, files, notes };
}

async function addFile(
  files: LocalFile[],
  path: string,
  name: string,
  notes: string[],
): Promise<void> {
  const info = await stat(path).catch(() => null);
  if (info === null) notes.push(`${path} is a link to nothing: left out`);
  // It may lead back here.
  else if (info.isDirectory()) notes.push(`${path} is a link to a folder: left out`);
  else if (!info.isFile()) notes.push(`${path} is not a regular file: left out`);
  else files.push({ path, name, sizeBytes: info.size });
}

/** The folder above the first part of a pattern that is one. */
function fixedPart(pattern: string): string {
  const parts = pattern.split('/');
  const first = parts.findIndex((part) => /[*?[\]{}]/.test(part));
  const fixed = parts.slice(0, first).join('/');
  return fixed === '' ? (pattern.startsWith('/') ? '/' : '.') : fixed;
}

/** Whether a path lies in a folder or is it; both absolute and without links. */
export function isWithin(folder: string, path: string): boolean {
  const root = resolve(folder);
  return path === root || path.startsWith(root === sep ? sep : root + sep);
}

function pathProblem(error: unknown, path: string): unknown {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  if (isMissing(error)) return new InvalidInput(`there is no file or folder ${path}`);
  if (code === 'EACCES' || code === 'EPERM') {
    return new InvalidInput(`${path} cannot be read: no permission`);
  }
  if (code === 'ELOOP') return new InvalidInput(`${path} is a link to itself`);
  return error;
}

function isMissing(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  return code === 'ENOENT' || code === 'ENOTDIR';
}
