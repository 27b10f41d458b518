import type { BlobRef, Digest } from '../protocol/index.ts';
import type { RootStore } from './roots.ts';

/** Bytes by digest. Every implementation passes `test/store/blob-store.conformance.ts`. */
export interface BlobStore {
  /** Stores bytes and returns their ref; durable when it resolves. Equal bytes are stored once; putting them again refreshes their age. */
  put(bytes: Uint8Array): Promise<BlobRef>;
  /** The bytes of a blob, verified against the digest. Throws BlobMissing or BlobCorrupted, which name the digest and the store. */
  get(digest: Digest): Promise<Buffer>;
  has(digest: Digest): Promise<boolean>;
  /** Refreshes the age of a blob as `put` would, without its bytes. Throws BlobMissing. */
  touch(digest: Digest): Promise<void>;
}

/** Keys that point to blobs. A key is written once and never changes. */
export interface RecordStore {
  /** Creates the record unless the key exists; durable when it resolves. Returns the digest that the key has now: the first writer's. */
  create(key: string, digest: Digest): Promise<Digest>;
  find(key: string): Promise<Digest | undefined>;
}

/** A blob as a listing names it. */
export interface StoredBlob {
  digest: Digest;
  /** Bytes that it takes in the store. */
  storedBytes: number;
  /** Time of its last put or touch, by the store's clock. */
  modifiedMs: number;
}

/** What only garbage collection does. Each call may be repeated, and run beside puts, reads and other collections. */
export interface Upkeep {
  /** The store's own clock, which the ages of blobs are of. */
  nowMs(): Promise<number>;
  /** Blobs that were last put before this are kept: they may be of a time when no roots were kept. 0 when there can be none. */
  rootsSinceMs(): Promise<number>;
  blobs(): AsyncIterable<StoredBlob>;
  /**
   * Takes a blob away unless it was put or touched after `sinceMs`; true when it was taken. A put or touch that comes
   * meanwhile is not lost: it either keeps the blob or is found in the trash, where reads look as well.
   */
  discard(digest: Digest, sinceMs: number): Promise<boolean>;
  /** Brings back what lies in the trash and is live, and frees the rest as soon as nobody can have put it meanwhile. */
  settleTrash(isLive: (digest: Digest) => boolean, sinceMs: number): Promise<TrashSettled>;
  removeRecord(key: string): Promise<void>;
}

export interface TrashSettled {
  restored: number;
  /** Blobs that still wait to be freed, and their bytes. */
  waiting: number;
  waitingBytes: number;
  freed: number;
  freedBytes: number;
}

export interface Store {
  readonly blobs: BlobStore;
  readonly records: RecordStore;
  /** What must stay, by whom it is kept. */
  readonly roots: RootStore;
  readonly upkeep: Upkeep;
  /** Where it is, for error messages: `directory /var/lib/rlm`. */
  describe(): string;
}
