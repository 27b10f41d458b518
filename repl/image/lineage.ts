import { type Extent, ExtentSet } from './extents.ts';
import { PAGE_BYTES, ZERO_PAGE } from './heap-digest.ts';
import type { DecodedImage } from './image-format.ts';
import { type PageChange, type PageDelta, pageFrom } from './page-delta.ts';

/** Blobs that a restore reads at most, besides the texts that extents name. */
export const MAX_CHAIN = 8;
/** Pages behind the base whose content is remembered a kernel, and pages of the past: 16 MiB each. Others are stored as bytes instead of XOR. */
const REMEMBERED_PAGES = 4096;

/** An image in the chain of a kernel's present state. */
interface Ancestor {
  digest: string;
  storedBytes: number;
  /** Number of the step that it ends. */
  step: number;
  /** Content at this ancestor of the pages that changed between it and the next one; null: not remembered. */
  undo: Map<number, Buffer | null>;
}

/** What changed since the last image. */
export interface Changes {
  dirty: ReadonlyMap<number, Buffer>;
  /** Pages that hold new large texts; none of them is dirty. */
  placed: readonly Extent[];
}

/** How the next image is to be written. */
export interface Fold {
  /** Null: the base image. */
  parent: string | null;
  depth: number;
  pages: PageChange[];
  extents: Extent[];
  /** How many of the newest images of the chain the new one replaces. */
  merged: number;
}

type ReadPages = (pages: number[]) => Promise<ReadonlyMap<number, Buffer>>;

/**
 * The chain of images behind a kernel, and enough of their content to write the next one as a small difference against
 * any of them.
 *
 * L1  Pages that differ from the base are exactly those that some image of the chain, or a change since, names.
 * L2  A chain never has more than MAX_CHAIN blobs.
 * L3  What is remembered decides only how large an image is, never what it restores to.
 */
export class Lineage {
  readonly #base: Uint8Array;
  /** From the oldest to the newest; the base is not among them. */
  readonly #chain: Ancestor[] = [];
  readonly #present = new Map<number, Buffer>();
  /** Pages that differ from the base, but for those in extents. */
  readonly #touched = new Set<number>();
  readonly #extents = new ExtentSet();
  #step = 0;
  #undoPages = 0;

  constructor(base: Uint8Array) {
    this.#base = base;
  }

  /** Takes in what changed, and says how to write the new image. `read` gives the present content of any page. */
  async advance(changes: Changes, read: ReadPages): Promise<Fold> {
    const merged = this.#mergeCount(estimate(changes));
    this.#step += 1;
    for (const extent of changes.placed) this.#place(extent);
    this.#record(changes.dirty);
    return this.#fold(merged, changes.dirty, read);
  }

  /** The image of the last `advance` is stored under this digest. */
  commit(digest: string, storedBytes: number, merged: number): void {
    for (let i = 0; i < merged; i++) this.#dropNewest();
    this.#chain.push({ digest, storedBytes, step: this.#step, undo: new Map() });
  }

  /** None while the chain is short, else those that cost least for each place they free. */
  #mergeCount(nextBytes: number): number {
    if (this.#chain.length < MAX_CHAIN) return 0;
    let cost = nextBytes;
    let best = { rate: Infinity, count: 1 };
    for (let count = 1; count <= this.#chain.length; count++) {
      cost += this.#chain.at(-count)?.storedBytes ?? 0;
      if (cost / count < best.rate) best = { rate: cost / count, count };
    }
    return best.count;
  }

  #place(extent: Extent): void {
    const newest = this.#chain.at(-1);
    for (let page = extent.page; page < extent.page + extent.pages; page++) {
      if (newest !== undefined && !newest.undo.has(page) && this.#touched.has(page)) {
        newest.undo.set(page, null);
      }
      this.#present.delete(page);
    }
    this.#extents.add(extent, this.#step);
  }

  #record(dirty: ReadonlyMap<number, Buffer>): void {
    const newest = this.#chain.at(-1);
    // The last ones are remembered, as in a kernel that is restored to the image of this step.
    let unremembered = this.#count(dirty) - REMEMBERED_PAGES;
    for (const [page, content] of dirty) {
      if (newest !== undefined && !newest.undo.has(page)) {
        const before = this.#undoPages < REMEMBERED_PAGES ? this.#known(page) : null;
        newest.undo.set(page, this.#remember(before));
      }
      if (this.#extents.has(page)) this.#extents.cut(page, 1);
      this.#touched.add(page);
      this.#present.delete(page);
      if (content.equals(ZERO_PAGE)) this.#present.set(page, ZERO_PAGE);
      // A copy of its own: a view would keep all that was read with it.
      else if (page < this.#basePages || unremembered-- <= 0) {
        this.#present.set(page, Buffer.from(content));
      }
    }
    this.#forget();
  }

  /** What was written longest ago is forgotten first. */
  #forget(): void {
    let excess = this.#count(this.#present) - REMEMBERED_PAGES;
    for (const [page, content] of this.#present) {
      if (excess <= 0) break;
      if (page < this.#basePages || content === ZERO_PAGE) continue;
      this.#present.delete(page);
      excess -= 1;
    }
  }

  /** Pages whose bytes would be remembered, but for those in the place of the base: cells change them again and again. */
  #count(pages: ReadonlyMap<number, Buffer>): number {
    let count = 0;
    for (const [page, content] of pages) {
      if (page >= this.#basePages && !content.equals(ZERO_PAGE)) count += 1;
    }
    return count;
  }

  get #basePages(): number {
    return this.#base.length / PAGE_BYTES;
  }

  #remember(content: Buffer | null): Buffer | null {
    if (content !== null && !this.#isShared(content)) this.#undoPages += 1;
    return content;
  }

  /** After a restore, which knows all of the past: it is forgotten from its far end. */
  #forgetPast(): void {
    for (const { undo } of this.#chain) {
      for (const [page, before] of undo) {
        if (this.#undoPages <= REMEMBERED_PAGES) return;
        if (before === null || this.#isShared(before)) continue;
        undo.set(page, null);
        this.#undoPages -= 1;
      }
    }
  }

  /** Pages of the base and pages of zeros take no memory of their own. */
  #isShared(content: Buffer): boolean {
    return content === ZERO_PAGE || content.buffer === this.#base.buffer;
  }

  /** Content of a page before it changes, as far as it is known. */
  #known(page: number): Buffer | null {
    if (this.#extents.has(page)) return null;
    return this.#present.get(page) ?? (this.#touched.has(page) ? null : this.#basePage(page));
  }

  #basePage(page: number): Buffer {
    const at = page * PAGE_BYTES;
    if (at >= this.#base.length) return ZERO_PAGE;
    return Buffer.from(this.#base.buffer, this.#base.byteOffset + at, PAGE_BYTES);
  }

  async #fold(merged: number, dirty: ReadonlyMap<number, Buffer>, read: ReadPages): Promise<Fold> {
    const parentAt = this.#chain.length - 1 - merged;
    const parent = this.#chain[parentAt];
    const changed = this.#changedSince(parentAt);
    const numbers = [...changed.keys()]
      .filter((page) => !this.#extents.has(page))
      .toSorted((a, b) => a - b);
    const missing = numbers.filter((page) => !dirty.has(page) && !this.#present.has(page));
    const fetched = missing.length > 0 ? await read(missing) : new Map<number, Buffer>();
    const pages: PageChange[] = [];
    for (const page of numbers) {
      const now = dirty.get(page) ?? this.#present.get(page) ?? fetched.get(page);
      if (now === undefined) throw new Error(`page ${page} of the heap could not be read`);
      pages.push({ page, now, before: changed.get(page) ?? null });
    }
    return {
      parent: parent?.digest ?? null,
      depth: parentAt + 2,
      pages,
      extents: this.#extents.bornAfter(parent?.step ?? 0),
      merged,
    };
  }

  /** Pages that changed since an image of the chain (-1: the base), with what they held there. */
  #changedSince(parentAt: number): Map<number, Buffer | null> {
    const changed = new Map<number, Buffer | null>();
    if (parentAt < 0) {
      for (const page of this.#touched) changed.set(page, this.#basePage(page));
      return changed;
    }
    // The oldest undo wins: it holds the content at the parent.
    for (const { undo } of this.#chain.slice(parentAt)) {
      for (const [page, before] of undo) if (!changed.has(page)) changed.set(page, before);
    }
    return changed;
  }

  #dropNewest(): void {
    const dropped = this.#chain.pop();
    if (dropped === undefined) return;
    const older = this.#chain.at(-1);
    for (const [page, before] of dropped.undo) {
      if (older === undefined || older.undo.has(page)) {
        if (before !== null && !this.#isShared(before)) this.#undoPages -= 1;
      } else older.undo.set(page, before);
    }
  }

  /** Applies one image of a chain, oldest first, while a kernel is restored. */
  apply(digest: string, storedBytes: number, image: DecodedImage): void {
    this.#step += 1;
    const newest = this.#chain.at(-1);
    const { extents } = image.header;
    const pages = this.#contentOf(image.pages);
    // Before extents take the place of what was there.
    const content = extents.length === 0 ? pages : [...pages];
    for (const extent of extents) this.#place(extent);
    for (const [page, now] of content) {
      if (newest !== undefined && !newest.undo.has(page)) {
        newest.undo.set(
          page,
          this.#remember(this.#extents.has(page) ? null : this.#restored(page)),
        );
      }
      if (this.#extents.has(page)) this.#extents.cut(page, 1);
      this.#touched.add(page);
      this.#present.delete(page);
      this.#present.set(page, now);
    }
    this.#chain.push({ digest, storedBytes, step: this.#step, undo: new Map() });
  }

  *#contentOf(deltas: readonly PageDelta[]): Generator<[page: number, content: Buffer]> {
    for (const delta of deltas) {
      yield [delta.page, pageFrom(delta, () => this.#restored(delta.page))];
    }
  }

  /** During a restore everything but extents is present. */
  #restored(page: number): Buffer {
    return this.#present.get(page) ?? this.#basePage(page);
  }

  /** All that differs from the base, after the last `apply`; then only what may be remembered is kept. */
  takeRestored(): { pages: Array<[page: number, content: Buffer]>; extents: Extent[] } {
    // Behind the base all is zero already.
    const pages = [...this.#present]
      .filter(([page, content]) => page < this.#basePages || content !== ZERO_PAGE)
      .toSorted(([a], [b]) => a - b);
    this.#forget();
    this.#forgetPast();
    return { pages, extents: this.#extents.bornAfter(0) };
  }
}

/** Bytes that a step will store, about: enough to choose what to merge. */
function estimate({ dirty, placed }: Changes): number {
  return 2048 + dirty.size * 40 + placed.length * 100;
}
