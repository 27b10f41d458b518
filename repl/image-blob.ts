import { type Digest, rebuiltRecordKey } from '../protocol/index.ts';
import { BlobCorrupted, BlobMissing, type Store } from '../store/index.ts';

/** Blobs made in each other's place that are followed at most. */
const MAX_REPLACED = 8;

export interface ImageBlob {
  /** The blob itself, or the one that restores the same heap in its place. */
  digest: Digest;
  blob: Buffer;
  /** Blobs that were lost on the way to it. */
  lost: Digest[];
}

/** The blob of an image; when it is lost, the one that was rebuilt in its place. Throws BlobMissing or BlobCorrupted of the first. */
export async function readImageBlob(store: Store, image: Digest): Promise<ImageBlob> {
  const lost: Digest[] = [];
  let first: unknown;
  for (let digest: Digest | undefined = image; digest !== undefined;) {
    try {
      return { digest, blob: await store.blobs.get(digest), lost };
    } catch (error) {
      if (!isLost(error)) throw error;
      first ??= error;
    }
    lost.push(digest);
    if (lost.length > MAX_REPLACED) break;
    digest = await store.records.find(rebuiltRecordKey(digest));
  }
  throw first;
}

export function isLost(error: unknown): error is BlobMissing | BlobCorrupted {
  return error instanceof BlobMissing || error instanceof BlobCorrupted;
}
