import type { BlobRef, Digest } from '../protocol/index.ts';

/** Bytes by digest. Every implementation passes `test/store/blob-store.conformance.ts`. */
export interface BlobStore {
  /** Stores bytes and returns their ref; durable when it resolves. Equal bytes are stored once; putting them again refreshes their age. */
  put(bytes: Uint8Array): Promise<BlobRef>;
  /** The bytes of a blob, verified against the digest. Throws BlobMissing or BlobCorrupted, which name the digest and the store. */
  get(digest: Digest): Promise<Buffer>;
  has(digest: Digest): Promise<boolean>;
}

/** Keys that point to blobs. A key is written once and never changes. */
export interface RecordStore {
  /** Creates the record unless the key exists; durable when it resolves. Returns the digest that the key has now: the first writer's. */
  create(key: string, digest: Digest): Promise<Digest>;
  find(key: string): Promise<Digest | undefined>;
}

export interface Store {
  readonly blobs: BlobStore;
  readonly records: RecordStore;
  /** Where it is, for error messages: `directory /var/lib/rlm`. */
  describe(): string;
}
