/** Most images unpack into this; a larger one needs fresh memory anyway. */
const SIZE_BYTES = 12 * 2 ** 20;
const PAGE_BYTES = 4096;
/** A step restores an image in less. */
const PREPARE_AFTER_MS = 200;

/**
 * Memory for the next image to be unpacked into, touched while nothing is to be done: the system gives fresh memory page
 * by page, which takes ten times as long as to unpack an image. It goes back to the allocator right before an image is
 * unpacked, which asks for so much next and gets the same. Where an allocator does otherwise nothing is gained, and
 * nothing lost.
 */
export class ReadyMemory {
  #buffer: ArrayBuffer | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    // glibc keeps freed blocks of a size only after it has seen one of them freed.
    giveBack(touched());
    this.#prepareSoon();
  }

  /** To be called right before an image is unpacked. */
  giveBack(): void {
    if (this.#buffer !== undefined) giveBack(this.#buffer);
    this.#buffer = undefined;
    this.#prepareSoon();
  }

  #prepareSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#buffer ??= touched();
    }, PREPARE_AFTER_MS).unref();
  }
}

function touched(): ArrayBuffer {
  const bytes = Buffer.allocUnsafeSlow(SIZE_BYTES);
  for (let at = 0; at < SIZE_BYTES; at += PAGE_BYTES) bytes[at] = 1;
  return bytes.buffer;
}

/** At once: its memory is not to wait for a garbage collection. */
function giveBack(buffer: ArrayBuffer): void {
  buffer.transfer(0);
}
