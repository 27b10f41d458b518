import type { Extent } from '../image/extents.ts';
import { PAGE_BYTES, type PageDigests } from '../image/heap-digest.ts';
import type { Changes } from '../image/lineage.ts';
import { HARD_HEAP_MIB } from './assets.ts';
import { forgery, type GuardedEntries } from './guarded-entries.ts';
import { KernelFault } from './kernel-fault.ts';
import { moveIn } from './move-in.ts';
import { pythonText } from './python-text.ts';

/** Bytes of the heap moved at once. */
const COPY_BYTES = 32 * 2 ** 20;
const MAX_HEAP_BYTES = HARD_HEAP_MIB * 2 ** 20;
/** A text of fewer bytes is stored with its pages. */
const EXTENT_BYTES = 256 * 1024;

/** A text for Python: UTF-8, and its blob when it is one of its own. */
export interface StagedText {
  utf8: Buffer;
  digest: string | null;
}

/**
 * The heap of one kernel as bytes: texts placed into it, pages read out and written, and the digests of them all.
 * Sizes and page numbers that come from the kernel are checked before memory is set aside for them.
 */
export class KernelHeap {
  readonly #entries: GuardedEntries;
  readonly #digests: PageDigests;
  #heapBytes: number;
  /** Large texts placed since the last image, and what else has changed since when they were. */
  #placed: Extent[] = [];
  readonly #dirtySincePlaced = new Set<number>();

  constructor(entries: GuardedEntries, digests: PageDigests, heapBytes: number) {
    this.#entries = entries;
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
    for (const { utf8, digest } of texts) {
      const { length, maxChar, bytes } = pythonText(utf8);
      const address = await this.#entries.number('stage', [length, maxChar]);
      if (address === 0) {
        throw this.#entries.end(
          new KernelFault('memory', `a text of ${length} characters does not fit into the heap`),
        );
      }
      await this.#write(address, bytes);
      const extent = digest === null ? null : extentOf(address, bytes, digest);
      if (extent !== null) large.push({ extent, bytes });
    }
    if (large.length === 0) return;
    // Their digests are known from here; what the cell changes in them is found by the scans that follow.
    for (const page of await this.#changedPages()) this.#dirtySincePlaced.add(page);
    for (const { extent, bytes } of large) {
      this.#digest(extent, bytes);
      this.#placed.push(extent);
      for (let i = 0; i < extent.pages; i++) this.#dirtySincePlaced.delete(extent.page + i);
    }
  }

  #digest({ page, pages, offset }: Extent, bytes: Uint8Array): void {
    for (let i = 0; i < pages; i++) {
      const at = offset + i * PAGE_BYTES;
      this.#digests.set(page + i, bytes.subarray(at, at + PAGE_BYTES));
    }
  }

  async #write(address: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += COPY_BYTES) {
      await this.#entries.call('write', [
        address + at,
        moveIn(bytes.subarray(at, at + COPY_BYTES)),
      ]);
    }
  }

  /** Bytes of the heap. Hostile addresses give nothing but this kernel's own memory. */
  async read(address: number, length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let at = 0; at < length; at += COPY_BYTES) {
      const size = Math.min(COPY_BYTES, length - at);
      const part = await this.#entries.bytes('read', [address + at, size]);
      if (part.length !== size) {
        throw this.#entries.end(forgery('a part of the heap does not have the size that was read'));
      }
      parts.push(part);
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }

  /** What changed since the last call; brings the digests up to date. */
  async changes(): Promise<Changes> {
    const changed = await this.#changedPages();
    const dirty = new Map<number, Buffer>();
    const chunk = COPY_BYTES / PAGE_BYTES;
    for (let from = 0; from < changed.length; from += chunk) {
      const numbers = changed.subarray(from, from + chunk);
      const content = await this.#entries.bytes('pages', [from, numbers.length]);
      if (content.length !== numbers.length * PAGE_BYTES) {
        throw this.#entries.end(forgery('changed pages do not have the size that was read'));
      }
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
    if (!(heapBytes >= this.#heapBytes && heapBytes <= MAX_HEAP_BYTES) || heapBytes % 65536 !== 0) {
      throw this.#entries.end(forgery(`the heap cannot have ${heapBytes} bytes`));
    }
    this.#heapBytes = heapBytes;
    this.#digests.grow(heapBytes);
    const listed = await this.#entries.bytes('scan');
    const pages = new Uint32Array(listed.buffer, listed.byteOffset, listed.length >>> 2);
    let last = -1;
    for (const page of pages) {
      if (page <= last || page * PAGE_BYTES >= heapBytes) {
        throw this.#entries.end(forgery(`page ${page} is not one of the heap, or out of order`));
      }
      last = page;
    }
    return pages;
  }

  /** Present content of pages, given in ascending order. */
  async readPages(pages: readonly number[]): Promise<Map<number, Buffer>> {
    const content = new Map<number, Buffer>();
    for (let i = 0; i < pages.length;) {
      const first = pages[i] ?? 0;
      let run = 1;
      while (pages[i + run] === first + run && run * PAGE_BYTES < COPY_BYTES) run++;
      const bytes = await this.read(first * PAGE_BYTES, run * PAGE_BYTES);
      for (let k = 0; k < run; k++) {
        content.set(first + k, bytes.subarray(k * PAGE_BYTES, (k + 1) * PAGE_BYTES));
      }
      i += run;
    }
    return content;
  }

  /** Makes the heap of a fresh kernel that of an image. `textOf` gives the UTF-8 behind an extent. */
  async restore(
    heapBytes: number,
    pages: ReadonlyArray<[page: number, content: Buffer]>,
    extents: readonly Extent[],
    textOf: (digest: string) => Buffer,
  ): Promise<void> {
    await this.#entries.call('grow', [heapBytes]);
    this.#heapBytes = heapBytes;
    this.#digests.grow(heapBytes);
    const chunk = COPY_BYTES / PAGE_BYTES;
    for (let from = 0; from < pages.length; from += chunk) {
      const part = pages.slice(from, from + chunk);
      const buffer = Buffer.allocUnsafeSlow(part.length * (4 + PAGE_BYTES));
      part.forEach(([page, content], i) => {
        buffer.writeUInt32LE(page, 4 * i);
        content.copy(buffer, 4 * part.length + PAGE_BYTES * i);
        this.#digests.set(page, content);
      });
      await this.#entries.call('restore', [part.length, moveIn(buffer)]);
    }
    const texts = new Map<string, Uint8Array>();
    for (const extent of extents) {
      const bytes = texts.get(extent.blob) ?? pythonText(textOf(extent.blob)).bytes;
      texts.set(extent.blob, bytes);
      const { page, offset, pages: count } = extent;
      await this.#write(page * PAGE_BYTES, bytes.subarray(offset, offset + count * PAGE_BYTES));
      this.#digest(extent, bytes);
    }
    // The next scan is to find what changes from here on.
    await this.#entries.call('scan');
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
