/** Memory that is kept, in bytes: one large image. */
const KEPT_BYTES = 32 * 2 ** 20;
const KEPT_BUFFERS = 2;

/**
 * Memory for the attachments of frames that are done with once they are answered. The system gives fresh memory page by
 * page, which for a large image takes longer than to receive it: so some is used again.
 */
export class FrameMemory {
  #free: Buffer[] = [];

  /** At least so many bytes. */
  take(bytes: number): Buffer {
    const at = this.#free.findIndex(({ length }) => length >= bytes);
    const [kept] = at < 0 ? [] : this.#free.splice(at, 1);
    return kept ?? Buffer.allocUnsafeSlow(bytes);
  }

  /** Nobody may use it any more. */
  giveBack(buffer: Buffer): void {
    if (buffer.length === 0 || buffer.length > KEPT_BYTES) return;
    // The largest are worth most.
    const largestFirst = [...this.#free, buffer].toSorted((a, b) => b.length - a.length);
    this.#free = largestFirst.slice(0, KEPT_BUFFERS);
  }
}
