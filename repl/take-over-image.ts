import { type Digest, rebuiltRecordKey } from '../protocol/index.ts';
import type { Store } from '../store/index.ts';
import { decodeHeader } from './image/image-format.ts';
import { readImageBlob } from './image-blob.ts';

/**
 * Renews the age of everything that an image needs: its parents, and the texts that they name; in a store that keeps
 * roots, for whoever does it. Throws BlobMissing, BlobCorrupted and ImageIncompatible.
 */
export async function takeOverImage(store: Store, image: Digest): Promise<void> {
  for (let at: Digest | null = image; at !== null;) {
    const { digest, blob, lost } = await readImageBlob(store, at);
    // Whoever takes over the image needs the way to it as well.
    for (const gone of lost) await store.records.create(rebuiltRecordKey(gone), digest);
    await store.blobs.touch(digest);
    const { header } = decodeHeader(blob);
    for (const extent of header.extents) await store.blobs.touch(extent.blob);
    at = header.parent;
  }
}
