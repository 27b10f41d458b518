import { PAGE_BYTES } from '../image/heap-digest.ts';
import { forgery, type GuardedEntries } from './guarded-entries.ts';
import type { PythonText } from './python-text.ts';

/** Numbers, of pages for instance, come before the data. */
const HEAD_BYTES = 4096;
const DATA_BYTES = 2 ** 20;
export const WINDOW_BYTES = HEAD_BYTES + DATA_BYTES;
/** Pages that are moved at once. */
export const WINDOW_PAGES = DATA_BYTES / PAGE_BYTES;
/** Places that are read at once. */
const WINDOW_PLACES = HEAD_BYTES / 8;
/** [length, maxChar, bytes] before a text. */
const TEXT_HEAD_BYTES = 12;

export type Place = readonly [address: number, length: number];

/**
 * A memory that a kernel and its host share: bytes pass through it without new memory on either side, whose pages would
 * cost more than the copy. The kernel could write to it only while an entry runs, and what is read from it is copied
 * out after that.
 */
export class HeapWindow {
  readonly #entries: GuardedEntries;
  readonly #bytes: Buffer;
  readonly #words: Uint32Array;

  constructor(entries: GuardedEntries, memory: SharedArrayBuffer) {
    this.#entries = entries;
    this.#bytes = Buffer.from(memory);
    this.#words = new Uint32Array(memory);
  }

  async write(address: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += WINDOW_BYTES) {
      const part = bytes.subarray(at, at + WINDOW_BYTES);
      this.#bytes.set(part);
      await this.#entries.call('write', [address + at, part.length]);
    }
  }

  /** Hostile addresses give nothing but this kernel's own memory. */
  async read(address: number, length: number): Promise<Buffer> {
    const whole = Buffer.allocUnsafeSlow(length);
    for (let at = 0; at < length; at += WINDOW_BYTES) {
      const size = Math.min(WINDOW_BYTES, length - at);
      this.#expect(await this.#entries.number('read', [address + at, size]), size);
      this.#bytes.copy(whole, at, 0, size);
    }
    return whole;
  }

  /** Many places, in order. */
  async readAll(places: readonly Place[]): Promise<Buffer[]> {
    const found: Buffer[] = [];
    for (let i = 0; i < places.length;) {
      const [address, length] = places[i] ?? [0, 0];
      if (length > DATA_BYTES) {
        found.push(await this.read(address, length));
        i += 1;
        continue;
      }
      let size = 0;
      let count = 0;
      for (; count < WINDOW_PLACES && i + count < places.length; count++) {
        const [from, bytes] = places[i + count] ?? [0, 0];
        if (size + bytes > DATA_BYTES) break;
        this.#words[2 * count] = from;
        this.#words[2 * count + 1] = bytes;
        size += bytes;
      }
      this.#expect(await this.#entries.number('gather', [count]), size);
      let at = HEAD_BYTES;
      for (const [, bytes] of places.slice(i, i + count)) {
        found.push(Buffer.from(this.#bytes.subarray(at, at + bytes)));
        at += bytes;
      }
      i += count;
    }
    return found;
  }

  /** Whether a text can be one of those that `stage` takes together. */
  static holds({ bytes }: PythonText): boolean {
    return TEXT_HEAD_BYTES + bytes.length <= WINDOW_BYTES;
  }

  /** Makes texts for the next entry of Python's; returns how many of them found memory. */
  async stage(texts: readonly PythonText[]): Promise<number> {
    let done = 0;
    while (done < texts.length) {
      let at = 0;
      let count = 0;
      for (const { length, maxChar, bytes } of texts.slice(done)) {
        const next = at + TEXT_HEAD_BYTES + Math.ceil(bytes.length / 4) * 4;
        if (at + TEXT_HEAD_BYTES + bytes.length > WINDOW_BYTES) break;
        this.#words.set([length, maxChar, bytes.length], at / 4);
        this.#bytes.set(bytes, at + TEXT_HEAD_BYTES);
        at = next;
        count += 1;
      }
      const staged = await this.#entries.number('stageAll', [count]);
      done += staged;
      if (staged < count) break;
    }
    return done;
  }

  /** Content of some of the pages that the last scan found. */
  async pages(from: number, count: number): Promise<Buffer> {
    await this.#entries.call('pages', [from, count]);
    return Buffer.from(this.#bytes.subarray(HEAD_BYTES, HEAD_BYTES + count * PAGE_BYTES));
  }

  /** Writes pages, at most as many as the window holds. `meanwhile` runs while the kernel, a thread of its own, copies them. */
  async restore(
    pages: ReadonlyArray<[page: number, content: Buffer]>,
    meanwhile: () => void,
  ): Promise<void> {
    pages.forEach(([page, content], i) => {
      this.#words[i] = page;
      this.#bytes.set(content, HEAD_BYTES + i * PAGE_BYTES);
    });
    const written = this.#entries.call('restore', [pages.length]);
    meanwhile();
    await written;
  }

  #expect(found: number, size: number): void {
    if (found === size) return;
    throw this.#entries.end(forgery('a part of the heap does not have the size that was read'));
  }
}
