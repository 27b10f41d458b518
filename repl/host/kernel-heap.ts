import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Extent } from '../image/extents.ts';
import { PAGE_BYTES, type PageDigests } from '../image/heap-digest.ts';
import type { Changes } from '../image/lineage.ts';
import { HARD_HEAP_MIB } from './assets.ts';
import { forgery, type GuardedEntries } from './guarded-entries.ts';
import { type Place, HeapWindow, WINDOW_PAGES } from './heap-window.ts';
import { KernelFault } from './kernel-fault.ts';
import { type PythonText, pythonText } from './python-text.ts';

const MAX_HEAP_BYTES = HARD_HEAP_MIB * 2 ** 20;
/** A text of fewer bytes is stored with its pages. */
const EXTENT_BYTES = 256 * 1024;
/** An image with pages for this share of the new memory fills it. */
const FULL = 0.5;

/** A text for Python: UTF-8, and its blob when it is one of its own. */
export interface StagedText {
  utf8: Buffer;
  digest: string | null;
  /** It becomes a `Document`. A small one is copied for that later. */
  document: boolean;
}

/**
 * The heap of one kernel as bytes: texts placed into it, pages read out and written, and the digests of them all.
 * Sizes and page numbers that come from the kernel are checked before memory is set aside for them.
 */
export class KernelHeap {
  readonly #entries: GuardedEntries;
  readonly #window: HeapWindow;
  readonly #digests: PageDigests;
  #heapBytes: number;
  /** Large texts placed since the last image, and what else has changed since when they were. */
  #placed: Extent[] = [];
  readonly #dirtySincePlaced = new Set<number>();

  constructor(
    entries: GuardedEntries,
    window: HeapWindow,
    digests: PageDigests,
    heapBytes: number,
  ) {
    this.#entries = entries;
    this.#window = window;
    this.#digests = digests;
    this.#heapBytes = heapBytes;
  }

  get bytes(): number {
    return this.#heapBytes;
  }

  digest(tableLength: number, files: Uint8Array): string {
    return this.#digests.heapDigest(tableLength, files);
  }

  /** Puts texts where the next entry finds them. Large ones are remembered as extents, not as pages. */
  async place(texts: readonly StagedText[]): Promise<void> {
    const large: Array<{ extent: Extent; bytes: Uint8Array }> = [];
    let small: PythonText[] = [];
    for (const { utf8, digest, document } of texts) {
      const text = pythonText(utf8);
      const { length, maxChar, bytes } = text;
      if (bytes.length < EXTENT_BYTES && HeapWindow.holds(text)) {
        small.push(text);
        continue;
      }
      await this.#stage(small);
      small = [];
      const address = await this.#entries.number('stage', [length, maxChar, document ? 1 : 0]);
      if (address === 0) throw this.#noRoom(length);
      await this.#window.write(address, bytes);
      const extent = digest === null ? null : extentOf(address, bytes, digest);
      if (extent !== null) large.push({ extent, bytes });
    }
    await this.#stage(small);
    if (large.length === 0) return;
    // Their digests are known from here; what the cell changes in them is found by the scans that follow.
    for (const page of await this.#changedPages()) this.#dirtySincePlaced.add(page);
    for (const { extent, bytes } of large) {
      this.#digest(extent, bytes);
      this.#placed.push(extent);
      for (let i = 0; i < extent.pages; i++) this.#dirtySincePlaced.delete(extent.page + i);
    }
  }

  /** As many pages as there is time for until then, in whole windows; returns how many. */
  async #digestUntil(
    grown: Promise<void>,
    pages: ReadonlyArray<[page: number, content: Buffer]>,
  ): Promise<number> {
    const ended = grown.then(
      () => true,
      () => true,
    );
    let digested = 0;
    while (digested < pages.length && !(await Promise.race([ended, nextTurn(false)]))) {
      this.#digestPages(pages.slice(digested, digested + WINDOW_PAGES));
      digested += WINDOW_PAGES;
    }
    await grown;
    return digested;
  }

  #digestPages(pages: ReadonlyArray<[page: number, content: Buffer]>): void {
    for (const [page, content] of pages) this.#digests.set(page, content);
  }

  async #stage(texts: readonly PythonText[]): Promise<void> {
    const refused = texts[await this.#window.stage(texts)];
    if (refused !== undefined) throw this.#noRoom(refused.length);
  }

  #noRoom(length: number): KernelFault {
    return this.#entries.end(
      new KernelFault('memory', `a text of ${length} characters does not fit into the heap`),
    );
  }

  #digest({ page, pages, offset }: Extent, bytes: Uint8Array): void {
    for (let i = 0; i < pages; i++) {
      const at = offset + i * PAGE_BYTES;
      this.#digests.set(page + i, bytes.subarray(at, at + PAGE_BYTES));
    }
  }

  /** Texts of the heap, by their places. */
  readAll(places: readonly Place[]): Promise<Buffer[]> {
    return this.#window.readAll(places);
  }

  /** What changed since the last call: the pages that the kernel names, at its present size. Brings the digests up to date. */
  async changes(heapBytes: number, changed: Uint32Array): Promise<Changes> {
    this.#check(heapBytes, changed);
    const dirty = new Map<number, Buffer>();
    for (let from = 0; from < changed.length; from += WINDOW_PAGES) {
      const numbers = changed.subarray(from, from + WINDOW_PAGES);
      const content = await this.#window.pages(from, numbers.length);
      numbers.forEach((page, i) => {
        dirty.set(page, content.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES));
      });
    }
    const older = [...this.#dirtySincePlaced].filter((page) => !dirty.has(page));
    for (const [page, content] of await this.readPages(older.toSorted((a, b) => a - b))) {
      dirty.set(page, content);
    }
    for (const [page, content] of dirty) this.#digests.set(page, content);
    const placed = this.#placed.flatMap((extent) => without(extent, dirty));
    this.#placed = [];
    this.#dirtySincePlaced.clear();
    return { dirty, placed };
  }

  async #changedPages(): Promise<Uint32Array> {
    const heapBytes = await this.#entries.number('heapBytes');
    const pages = await this.#entries.words('scan');
    this.#check(heapBytes, pages);
    return pages;
  }

  #check(heapBytes: number, pages: Uint32Array): void {
    if (!(heapBytes >= this.#heapBytes && heapBytes <= MAX_HEAP_BYTES) || heapBytes % 65536 !== 0) {
      throw this.#entries.end(forgery(`the heap cannot have ${heapBytes} bytes`));
    }
    this.#heapBytes = heapBytes;
    this.#digests.grow(heapBytes);
    let last = -1;
    for (const page of pages) {
      if (page <= last || page * PAGE_BYTES >= heapBytes) {
        throw this.#entries.end(forgery(`page ${page} is not one of the heap, or out of order`));
      }
      last = page;
    }
  }

  /** Present content of pages, given in ascending order. */
  async readPages(pages: readonly number[]): Promise<Map<number, Buffer>> {
    const content = new Map<number, Buffer>();
    for (let i = 0; i < pages.length;) {
      const first = pages[i] ?? 0;
      let run = 1;
      while (pages[i + run] === first + run && run < WINDOW_PAGES) run++;
      const bytes = await this.#window.read(first * PAGE_BYTES, run * PAGE_BYTES);
      for (let k = 0; k < run; k++) {
        content.set(first + k, bytes.subarray(k * PAGE_BYTES, (k + 1) * PAGE_BYTES));
      }
      i += run;
    }
    return content;
  }

  /** Gives the heap of a fresh kernel the size of an image's, which has so many pages. The kernel works on it alone. */
  async grow(heapBytes: number, pageCount: number): Promise<void> {
    const isFull = pageCount * PAGE_BYTES >= FULL * (heapBytes - this.#heapBytes);
    this.#heapBytes = heapBytes;
    this.#digests.grow(heapBytes);
    await this.#entries.call('grow', [heapBytes, isFull ? 1 : 0]);
  }

  /** Makes the heap of a fresh kernel that of an image, once it has `grown`. `textOf` gives the UTF-8 behind an extent. */
  async restore(
    pages: ReadonlyArray<[page: number, content: Buffer]>,
    extents: readonly Extent[],
    textOf: (digest: string) => Buffer,
    grown: Promise<void>,
  ): Promise<void> {
    const digested = await this.#digestUntil(grown, pages);
    for (let from = 0; from < pages.length; from += WINDOW_PAGES) {
      const part = pages.slice(from, from + WINDOW_PAGES);
      await this.#window.restore(part, () => {
        if (from >= digested) this.#digestPages(part);
      });
    }
    const texts = new Map<string, Uint8Array>();
    for (const extent of extents) {
      const bytes = texts.get(extent.blob) ?? pythonText(textOf(extent.blob)).bytes;
      texts.set(extent.blob, bytes);
      const { page, offset, pages: count } = extent;
      const written = bytes.subarray(offset, offset + count * PAGE_BYTES);
      await this.#window.write(page * PAGE_BYTES, written);
      await this.#entries.call('restored', [page, count]);
      this.#digest(extent, bytes);
    }
  }
}

/** The whole pages of a text in the heap; null when it is too small to be worth it. */
function extentOf(address: number, bytes: Uint8Array, blob: string): Extent | null {
  if (bytes.length < EXTENT_BYTES) return null;
  const page = Math.ceil(address / PAGE_BYTES);
  const offset = page * PAGE_BYTES - address;
  const pages = Math.floor((bytes.length - offset) / PAGE_BYTES);
  return { page, pages, blob, offset };
}

/** What is left of an extent when some of its pages have changed. */
function without(extent: Extent, changed: ReadonlyMap<number, Buffer>): Extent[] {
  const left: Extent[] = [];
  let start = 0;
  for (let i = 0; i <= extent.pages; i++) {
    if (i < extent.pages && !changed.has(extent.page + i)) continue;
    if (i > start) {
      const { page, offset, blob } = extent;
      left.push({
        page: page + start,
        pages: i - start,
        blob,
        offset: offset + start * PAGE_BYTES,
      });
    }
    start = i + 1;
  }
  return left;
}
