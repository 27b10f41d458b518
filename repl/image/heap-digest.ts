import { hash } from 'node:crypto';

/** A page of a heap in bytes: the unit of change. */
export const PAGE_BYTES = 4096;
const DIGEST_BYTES = 32;

export const ZERO_PAGE: Buffer = Buffer.alloc(PAGE_BYTES);
const ZERO_DIGEST = sha256(ZERO_PAGE);

/**
 * SHA-256 of every page of one heap, kept up to date page by page. The heap digest is the hash of this vector, of the
 * heap's size, of the function table's length and of the files: equal for equal states, whatever blobs hold them.
 */
export class PageDigests {
  #vector: Buffer;

  constructor(vector: Buffer) {
    this.#vector = vector;
  }

  static of(heap: Uint8Array): PageDigests {
    const vector = Buffer.alloc((heap.length / PAGE_BYTES) * DIGEST_BYTES);
    for (let page = 0; page * PAGE_BYTES < heap.length; page++) {
      const bytes = heap.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
      sha256(bytes).copy(vector, page * DIGEST_BYTES);
    }
    return new PageDigests(vector);
  }

  copy(): PageDigests {
    return new PageDigests(Buffer.from(this.#vector));
  }

  /** Grows to a heap of so many bytes; new pages are zero until set. A heap never shrinks. */
  grow(heapBytes: number): void {
    const size = (heapBytes / PAGE_BYTES) * DIGEST_BYTES;
    if (size <= this.#vector.length) return;
    const grown = Buffer.alloc(size);
    this.#vector.copy(grown);
    for (let at = this.#vector.length; at < size; at += DIGEST_BYTES) ZERO_DIGEST.copy(grown, at);
    this.#vector = grown;
  }

  set(page: number, content: Uint8Array): void {
    sha256(content).copy(this.#vector, page * DIGEST_BYTES);
  }

  /** `sha256:...` of the whole state. */
  heapDigest(tableLength: number, files: Uint8Array): string {
    const shape = Buffer.alloc(16);
    shape.writeDoubleLE((this.#vector.length / DIGEST_BYTES) * PAGE_BYTES, 0);
    shape.writeDoubleLE(tableLength, 8);
    return `sha256:${sha256(Buffer.concat([shape, sha256(this.#vector), sha256(files)])).toString('hex')}`;
  }
}

function sha256(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}
