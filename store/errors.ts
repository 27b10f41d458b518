import type { Digest } from '../protocol/index.ts';

/** A blob that something durable names is not in the store. Not retryable: only restoring the store helps. */
export class BlobMissing extends Error {
  override readonly name = 'BlobMissing';
  readonly digest: Digest;
  readonly store: string;

  constructor(digest: Digest, store: string, more?: string) {
    super([`blob ${digest} is not in ${store}`, ...(more === undefined ? [] : [more])].join(', '));
    this.digest = digest;
    this.store = store;
  }

  /** The same with more to say. */
  because(more: string): BlobMissing {
    return new BlobMissing(this.digest, this.store, more);
  }
}

/** A blob's bytes are not those that its digest names. Not retryable; putting the right bytes again replaces it. */
export class BlobCorrupted extends Error {
  override readonly name = 'BlobCorrupted';
  readonly digest: Digest;
  readonly store: string;

  readonly #found: string;

  constructor(digest: Digest, store: string, found: string) {
    super(`blob ${digest} in ${store} is corrupted: ${found}`);
    this.digest = digest;
    this.store = store;
    this.#found = found;
  }

  /** The same with more to say. */
  because(more: string): BlobCorrupted {
    return new BlobCorrupted(this.digest, this.store, `${this.#found}, ${more}`);
  }
}

/** A blob is intact but does not hold what the reader expects there (text, or JSON of some schema). Not retryable. */
export class BlobUnexpected extends Error {
  override readonly name = 'BlobUnexpected';
  readonly digest: Digest;
  readonly store: string;

  constructor(digest: Digest, store: string, problem: string) {
    super(`blob ${digest} in ${store} is not what was expected: ${problem}`);
    this.digest = digest;
    this.store = store;
  }
}

/** A record's file is not one that this store wrote. Not retryable. */
export class RecordCorrupted extends Error {
  override readonly name = 'RecordCorrupted';
  readonly key: string;
  readonly store: string;

  constructor(key: string, store: string, found: string) {
    super(`record ${key} in ${store} is corrupted: ${found}`);
    this.key = key;
    this.store = store;
  }
}

/** A piece of a root record is damaged. Not retryable; no garbage is collected while there is one, since nobody knows what it kept. */
export class RootCorrupted extends Error {
  override readonly name = 'RootCorrupted';

  constructor(piece: string, store: string, found: string) {
    super(`root piece ${piece} in ${store} is corrupted: ${found}`);
  }
}

/** The store cannot be used now: full, read-only, forbidden, unreachable. Retryable; nothing half-written stays visible. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
  readonly store: string;
  readonly code: string;

  constructor(store: string, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.store = store;
    this.code = code;
  }
}

/** The location given for a store is none that can be opened; the message says which are. */
export class StoreLocationInvalid extends Error {
  override readonly name = 'StoreLocationInvalid';
}

/** The caller's mistake; the message names the place and what was expected. Not retryable. */
export class InvalidInput extends Error {
  override readonly name = 'InvalidInput';
}
