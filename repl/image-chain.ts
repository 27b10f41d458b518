import type { Digest, HeapImageRef } from '../protocol/index.ts';
import type { Store } from '../store/index.ts';
import { ImageIncompatible } from './errors.ts';
import { decodeHeader, ImageUnreadable } from './image/image-format.ts';
import { MAX_CHAIN } from './image/lineage.ts';

/** The blobs that restore an image, oldest first; none for the base image. */
export interface ImageChain {
  digests: Digest[];
  blobs: Buffer[];
}

/** Follows an image back to its base. Throws ImageIncompatible for the image of another runtime, BlobMissing, BlobCorrupted. */
export async function readImageChain(
  store: Store,
  image: HeapImageRef,
  base: HeapImageRef,
  runtime: string,
): Promise<ImageChain> {
  const chain: ImageChain = { digests: [], blobs: [] };
  for (let at: Digest | null = image.blob; at !== null && at !== base.blob;) {
    if (chain.blobs.length >= MAX_CHAIN) {
      throw new ImageIncompatible(
        `image ${image.blob} has a chain of more than ${MAX_CHAIN} blobs`,
      );
    }
    const blob: Buffer = await store.blobs.get(at);
    const header = readHeader(at, blob);
    if (header.runtime !== runtime) {
      throw new ImageIncompatible(
        `image ${at} belongs to runtime ${header.runtime}; this one is ${runtime}`,
      );
    }
    chain.digests.unshift(at);
    chain.blobs.unshift(blob);
    at = header.parent;
  }
  return chain;
}

function readHeader(digest: Digest, blob: Buffer): ReturnType<typeof decodeHeader>['header'] {
  try {
    return decodeHeader(blob).header;
  } catch (error) {
    if (error instanceof ImageUnreadable) {
      throw new ImageIncompatible(`image ${digest} cannot be read: ${error.message}`);
    }
    throw error;
  }
}
