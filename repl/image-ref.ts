import type { Digest, HeapImageRef } from '../protocol/index.ts';
import type { Store } from '../store/index.ts';
import { ImageIncompatible } from './errors.ts';
import { readImageBlob } from './image-blob.ts';
import { decodeHeader, ImageUnreadable } from './image/image-format.ts';

/** The image that a blob holds, for callers that have nothing but its digest. Throws ImageIncompatible when it holds none, BlobMissing, BlobCorrupted. */
export async function findImage(store: Store, digest: Digest): Promise<HeapImageRef> {
  const { blob } = await readImageBlob(store, digest);
  try {
    const { heapDigest, heapBytes } = decodeHeader(blob).header;
    return { blob: digest, heapDigest, storedBytes: blob.length, heapBytes };
  } catch (error) {
    if (!(error instanceof ImageUnreadable)) throw error;
    throw new ImageIncompatible(`image ${digest} cannot be read: ${error.message}`);
  }
}
