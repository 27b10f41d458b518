/** Bytes between two places whose character number is kept. */
const STEP = 65_536;

/** Turns places of a UTF-8 text into numbers of its characters (code points) and back, without going through all of it each time. */
export class CharIndex {
  readonly #bytes: Uint8Array;
  /** Characters before each multiple of STEP; made when first needed. */
  #before: number[] | null = null;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Characters before a byte. */
  toChar(byte: number): number {
    const step = Math.floor(byte / STEP);
    return (this.#starts()[step] ?? 0) + this.#count(step * STEP, byte);
  }

  /** The byte at which a character begins, or the length for the end; null beyond it. */
  toByte(char: number): number | null {
    const starts = this.#starts();
    let [low, high] = [0, starts.length];
    while (low + 1 < high) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= char) low = middle;
      else high = middle;
    }
    let left = char - (starts[low] ?? 0);
    for (let at = low * STEP; at < this.#bytes.length; at += 1) {
      if (!this.#begins(at)) continue;
      if (left === 0) return at;
      left -= 1;
    }
    return left === 0 ? this.#bytes.length : null;
  }

  #starts(): number[] {
    if (this.#before !== null) return this.#before;
    const before = [0];
    for (let at = 0; at + STEP <= this.#bytes.length; at += STEP) {
      before.push((before.at(-1) ?? 0) + this.#count(at, at + STEP));
    }
    this.#before = before;
    return before;
  }

  #count(from: number, to: number): number {
    let count = 0;
    for (let at = from; at < to; at += 1) if (this.#begins(at)) count += 1;
    return count;
  }

  #begins(at: number): boolean {
    return ((this.#bytes[at] ?? 0) & 0xc0) !== 0x80;
  }
}
