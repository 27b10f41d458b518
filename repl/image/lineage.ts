import { PAGE_BYTES, ZERO_PAGE } from './heap-digest.ts';
import { type DecodedImage, PageCode, type PageDelta } from './image-format.ts';

/** Blobs that a restore reads at most. */
export const MAX_CHAIN = 8;
/** Pages whose content is remembered a kernel, of the present and of the past each: 16 MiB. Others are stored as bytes instead of XOR. */
const REMEMBERED_PAGES = 4096;

/** An image in the chain of a kernel's present state. */
interface Ancestor {
  digest: string;
  storedBytes: number;
  /** Content at this ancestor of the pages that changed between it and the next one; null: not remembered. */
  undo: Map<number, Buffer | null>;
}

/** What an image is to be encoded against. */
export interface Fold {
  /** Null: the base image. */
  parent: string | null;
  depth: number;
  pages: PageDelta[];
  /** How many of the newest images of the chain the new one replaces. */
  merged: number;
}

/**
 * The chain of images behind a kernel, and enough of their content to write the next one as a small difference against
 * any of them.
 *
 * L1  Pages that differ from the base are exactly those that some image of the chain, or a dirty set since, names.
 * L2  A chain never has more than MAX_CHAIN blobs.
 * L3  What is remembered decides only how large an image is, never what it restores to.
 */
export class Lineage {
  readonly #base: Uint8Array;
  /** From the oldest to the newest; the base is not among them. */
  readonly #chain: Ancestor[] = [];
  /** Undo of the base: pages changed between the base and the oldest image. Their content is in the base itself. */
  readonly #sinceBase = new Set<number>();
  readonly #present = new Map<number, Buffer>();
  readonly #touched = new Set<number>();
  #undoPages = 0;

  constructor(base: Uint8Array) {
    this.#base = base;
  }

  get head(): string | null {
    return this.#chain.at(-1)?.digest ?? null;
  }

  /** Takes in the pages that changed since the last image, and says how to write the new one. `read` gives the present content of any page. */
  advance(
    dirty: ReadonlyMap<number, Buffer>,
    estimateBytes: number,
    read: (pages: number[]) => Promise<Map<number, Buffer>>,
  ): Promise<Fold> {
    const merged = this.#mergeCount(estimateBytes);
    this.#record(dirty);
    return this.#encode(merged, dirty, read);
  }

  /** The image of the last `advance` is stored under this digest. */
  commit(digest: string, storedBytes: number, merged: number): void {
    for (let i = 0; i < merged; i++) this.#dropNewest();
    this.#chain.push({ digest, storedBytes, undo: new Map() });
  }

  /** How many of the newest images the next one replaces: none while the chain is short, else those that cost least for each place they free. */
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

  #record(dirty: ReadonlyMap<number, Buffer>): void {
    const newest = this.#chain.at(-1);
    for (const [page, content] of dirty) {
      if (newest === undefined) this.#sinceBase.add(page);
      else if (!newest.undo.has(page)) newest.undo.set(page, this.#remember(this.#known(page)));
      this.#present.delete(page);
      this.#present.set(page, content);
      this.#touched.add(page);
    }
    for (const page of this.#present.keys()) {
      if (this.#present.size <= REMEMBERED_PAGES) break;
      this.#present.delete(page);
    }
  }

  #remember(content: Buffer | null): Buffer | null {
    if (content === null || this.#undoPages >= REMEMBERED_PAGES) return null;
    this.#undoPages += 1;
    return content;
  }

  /** Content of a page before the dirty set, as far as it is known. */
  #known(page: number): Buffer | null {
    return this.#present.get(page) ?? (this.#touched.has(page) ? null : this.basePage(page));
  }

  basePage(page: number): Buffer {
    const at = page * PAGE_BYTES;
    if (at >= this.#base.length) return ZERO_PAGE;
    return Buffer.from(this.#base.buffer, this.#base.byteOffset + at, PAGE_BYTES);
  }

  async #encode(
    merged: number,
    dirty: ReadonlyMap<number, Buffer>,
    read: (pages: number[]) => Promise<Map<number, Buffer>>,
  ): Promise<Fold> {
    const parentAt = this.#chain.length - 1 - merged;
    const parent = this.#chain[parentAt];
    const changed = new Map<number, Buffer | null>();
    // The oldest undo wins: it holds the content at the parent.
    for (const { undo } of this.#chain.slice(Math.max(parentAt, 0))) {
      for (const [page, before] of undo) if (!changed.has(page)) changed.set(page, before);
    }
    if (parent === undefined) {
      for (const page of this.#touched) changed.set(page, this.basePage(page));
    }
    const numbers = [...changed.keys()].toSorted((a, b) => a - b);
    const missing = numbers.filter((page) => !dirty.has(page) && !this.#present.has(page));
    const fetched = missing.length > 0 ? await read(missing) : new Map<number, Buffer>();
    const pages: PageDelta[] = [];
    for (const page of numbers) {
      const now = dirty.get(page) ?? this.#present.get(page) ?? fetched.get(page);
      if (now === undefined) throw new Error(`page ${page} of the heap could not be read`);
      pages.push(deltaOf(page, now, changed.get(page) ?? null));
    }
    return { parent: parent?.digest ?? null, depth: parentAt + 2, pages, merged };
  }

  #dropNewest(): void {
    const dropped = this.#chain.pop();
    if (dropped === undefined) return;
    const older = this.#chain.at(-1);
    for (const [page, before] of dropped.undo) {
      if (older === undefined) this.#sinceBase.add(page);
      if (older === undefined || older.undo.has(page)) {
        if (before !== null) this.#undoPages -= 1;
      } else older.undo.set(page, before);
    }
  }

  /** Applies one image of a chain, oldest first, while a kernel is restored. */
  apply(digest: string, storedBytes: number, image: DecodedImage): void {
    const content = new Map<number, Buffer>();
    for (const { page, code, bytes } of image.pages) {
      content.set(
        page,
        pageFrom(code, bytes, () => this.restored(page)),
      );
    }
    const newest = this.#chain.at(-1);
    for (const [page, now] of content) {
      if (newest !== undefined) newest.undo.set(page, this.#remember(this.restored(page)));
      this.#touched.add(page);
      this.#present.set(page, now);
    }
    this.#chain.push({ digest, storedBytes, undo: new Map() });
  }

  /** During a restore everything is present. */
  restored(page: number): Buffer {
    return this.#present.get(page) ?? this.basePage(page);
  }

  /** All pages that differ from the base, after the last `apply`; then only what may be remembered is kept. */
  takeRestored(): Array<[page: number, content: Buffer]> {
    const all = [...this.#present].toSorted(([a], [b]) => a - b);
    if (all.length > REMEMBERED_PAGES) this.#present.clear();
    return all;
  }
}

function pageFrom(code: PageCode, bytes: Uint8Array | undefined, before: () => Buffer): Buffer {
  if (code === PageCode.zero || bytes === undefined) return ZERO_PAGE;
  return code === PageCode.xor ? xor(Buffer.from(bytes), before()) : Buffer.from(bytes);
}

/** XOR where few bytes changed, the bytes themselves where many did: what compresses better. */
function deltaOf(page: number, now: Buffer, before: Buffer | null): PageDelta {
  if (now.equals(ZERO_PAGE)) return { page, code: PageCode.zero };
  if (before === null || before.equals(ZERO_PAGE))
    return { page, code: PageCode.bytes, bytes: now };
  const difference = xor(now, before);
  let changed = 0;
  for (const word of words(difference)) if (word !== 0) changed += 1;
  return changed > PAGE_BYTES / 4 / 2
    ? { page, code: PageCode.bytes, bytes: now }
    : { page, code: PageCode.xor, bytes: difference };
}

function xor(a: Buffer, b: Buffer): Buffer {
  const out = Buffer.allocUnsafeSlow(PAGE_BYTES);
  const x = words(a);
  const y = words(b);
  const z = words(out);
  for (let i = 0; i < z.length; i++) z[i] = (x[i] ?? 0) ^ (y[i] ?? 0);
  return out;
}

/** As 32-bit words; copied when it does not lie on a word. */
function words(page: Buffer): Uint32Array {
  const { buffer, byteOffset } = page.byteOffset % 4 === 0 ? page : new Uint8Array(page);
  return new Uint32Array(buffer, byteOffset, PAGE_BYTES / 4);
}
