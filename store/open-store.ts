import { fileURLToPath } from 'node:url';
import { openDirectoryStore } from './directory-store.ts';
import { StoreLocationInvalid } from './errors.ts';
import type { Store } from './store.ts';

/**
 * Opens the store at a path or `file:` URL, making the directory when missing, or at `s3://bucket/prefix`. Any other URL
 * is refused with StoreLocationInvalid.
 */
export async function openStore(location: string): Promise<Store> {
  if (location.trim() === '') {
    throw new StoreLocationInvalid(
      'the location of the store is empty: give a directory or s3://bucket/prefix',
    );
  }
  if (location.startsWith('file:')) return await openDirectoryStore(pathOf(location));
  // Two letters at least, so that a Windows drive stays a path.
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(location)?.[1];
  if (scheme?.toLowerCase() === 's3') {
    // Loaded here: nobody else has to pay for AWS's SDK.
    const { openS3Store } = await import('./s3/s3-store.ts');
    return await openS3Store(location, process.env);
  }
  if (scheme !== undefined) {
    throw new StoreLocationInvalid(
      `cannot open a store at ${location}: "${scheme}:" is not supported, give a directory, a file: URL or s3://bucket/prefix`,
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
