import { fileURLToPath } from 'node:url';
import { openDirectoryStore } from './directory-store.ts';
import { StoreLocationInvalid } from './errors.ts';
import type { Store } from './store.ts';

/** Opens the store at a path or `file:` URL, making the directory when missing. Any other URL is refused with StoreLocationInvalid. */
export async function openStore(location: string): Promise<Store> {
  if (location.trim() === '') {
    throw new StoreLocationInvalid('the location of the store is empty: give a directory');
  }
  if (location.startsWith('file:')) return await openDirectoryStore(pathOf(location));
  // Two letters at least, so that a Windows drive stays a path.
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(location)?.[1];
  if (scheme !== undefined) {
    throw new StoreLocationInvalid(
      `cannot open a store at ${location}: "${scheme}:" is not supported, give a directory or a file: URL`,
    );
  }
  return await openDirectoryStore(location);
}

function pathOf(location: string): string {
  try {
    return fileURLToPath(location);
  } catch {
    throw new StoreLocationInvalid(
      `cannot open a store at ${location}: a file: URL must look like file:///var/lib/rlm`,
    );
  }
}
