import type { Digest, HeapImageRef } from '../protocol/index.ts';
import type { Store } from '../store/index.ts';
import { ImageIncompatible } from './errors.ts';
import { decodeHeader, ImageUnreadable } from './image/image-format.ts';
import { readImageBlob } from './image-blob.ts';
import { inParallel } from './journal.ts';

/** Against chains that never end: one of images that were rebuilt is longer than those that kernels write. */
const MAX_READ = 64;

/** The blobs that restore an image, oldest first; none for the base image. */
export interface ImageChain {
  digests: Digest[];
  blobs: Buffer[];
  /** Texts that lie in the heap and are blobs of their own. */
  texts: Array<{ digest: Digest; utf8: Buffer }>;
}

/** Follows an image back to its base. Throws ImageIncompatible for the image of another runtime, BlobMissing, BlobCorrupted. */
export async function readImageChain(
  store: Store,
  image: HeapImageRef,
  base: HeapImageRef,
  runtime: string,
): Promise<ImageChain> {
  const chain: ImageChain = { digests: [], blobs: [], texts: [] };
  const named = new Set<Digest>();
  for (let at: Digest | null = image.blob; at !== null && at !== base.blob;) {
    if (chain.blobs.length >= MAX_READ) {
      throw new ImageIncompatible(`image ${image.blob} has a chain of more than ${MAX_READ} blobs`);
    }
    const { digest, blob } = await readImageBlob(store, at);
    const header = readHeader(digest, blob);
    if (header.runtime !== runtime) {
      throw new ImageIncompatible(
        `image ${at} belongs to runtime ${header.runtime}; this one is ${runtime}`,
      );
    }
    chain.digests.unshift(digest);
    chain.blobs.unshift(blob);
    for (const extent of header.extents) named.add(extent.blob);
    at = header.parent;
  }
  chain.texts = await inParallel([...named], async (digest) => ({
    digest,
    utf8: await store.blobs.get(digest),
  }));
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

/** The blobs that an image needs besides itself: its parent, and the texts that it names. For garbage collection. */
export function imageReferences(blob: Uint8Array): Digest[] {
  const { header } = decodeHeader(blob);
  const { parent, extents } = header;
  return [...new Set([...(parent === null ? [] : [parent]), ...extents.map((e) => e.blob)])];
}
