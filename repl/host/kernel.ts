import type ivm from 'isolated-vm';
import type { CellLimits } from '../../protocol/index.ts';
import type { PageDigests } from '../image/heap-digest.ts';
import { decodeHeader, decodeImage, encodeImage } from '../image/image-format.ts';
import { Lineage } from '../image/lineage.ts';
import type { BootedIsolate } from './boot-isolate.ts';
import { GuardedEntries } from './guarded-entries.ts';
import type { EntryName } from './kernel-entries.ts';
import { KernelFault } from './kernel-fault.ts';
import { HeapWindow, type Place } from './heap-window.ts';
import { KernelHeap, type StagedText } from './kernel-heap.ts';
import { moveIn } from './move-in.ts';

/** Time to read what an ended cell had written. */
const SALVAGE_TIMEOUT_MS = 500;
const MIB = 2 ** 20;
/** What WebAssembly grows its memory by. */
const BLOCK_BYTES = 65536;

/** The state that every fresh kernel of this host has, byte for byte. */
export interface KernelBase {
  runtime: string;
  heapDigest: string;
  heap: Buffer;
  digests: PageDigests;
  tableLength: number;
  /** References to JavaScript objects that Python holds. */
  references: number;
}

export interface StoredImage {
  blob: Buffer;
  digest: string;
}

/**
 * One isolate with CPython.
 *
 * Owns: the isolate, its heap's digests, its chain of images.
 * K1  One call at a time.
 * K2  After any fault the kernel is dead: every later call throws that fault; it never returns to a pool.
 * K3  An image is taken only at rest: no stack is suspended.
 * K4  A kernel serves one run only, because that run may have changed the isolate's JavaScript.
 */
export class Kernel {
  readonly #isolate: ivm.Isolate;
  readonly #entries: GuardedEntries;
  readonly #base: KernelBase;
  readonly #heap: KernelHeap;
  readonly #lineage: Lineage;
  #files: Buffer = Buffer.alloc(0);
  /** Compute time of the present cell so far, in ms. */
  cellMs = 0;

  constructor(booted: BootedIsolate, base: KernelBase) {
    this.#isolate = booted.isolate;
    this.#entries = new GuardedEntries(booted.entries);
    this.#base = base;
    const window = new HeapWindow(this.#entries, booted.window);
    this.#heap = new KernelHeap(this.#entries, window, base.digests.copy(), base.heap.length);
    this.#lineage = new Lineage(base.heap);
  }

  get heapBytes(): number {
    return this.#heap.bytes;
  }

  /** Ends whatever runs. Safe at any time, also twice. */
  dispose(): void {
    this.#entries.end(new KernelFault('crash', 'the kernel was disposed of'));
    if (!this.#isolate.isDisposed) this.#isolate.dispose();
  }

  /** One stretch of model code: an entry, then a look at what it left behind. Returns the JSON text that Python gives. */
  async #compute(limitMs: number, entry: EntryName, argument: string): Promise<string> {
    const before = this.#isolate.cpuTime;
    const begun = performance.now();
    try {
      return await this.#entries.run(async (entries) => {
        await entries.call(entry, [argument], limitMs - this.cellMs);
        return entries.text('poll', [], limitMs);
      });
    } finally {
      // An isolate that ended over its memory limit cannot be asked any more.
      this.cellMs += this.#isolate.isDisposed
        ? performance.now() - begun
        : Number(this.#isolate.cpuTime - before) / 1e6;
    }
  }

  /** Starts a cell; `spec` names the texts by index. */
  async start(
    spec: { clockMs: number; seed: string; limits: CellLimits; body: unknown },
    texts: readonly StagedText[],
  ): Promise<string> {
    const { clockMs, seed, limits, body } = spec;
    this.cellMs = 0;
    const { heapMiB, filesBytes, computeMs } = limits;
    await this.#entries.call('prepare', [clockMs, seed, heapMiB * MIB, filesBytes]);
    await this.#heap.place(texts);
    return this.#compute(computeMs, 'begin', JSON.stringify(body));
  }

  async deliver(limits: CellLimits, body: unknown, texts: readonly Buffer[]): Promise<string> {
    await this.#heap.place(texts.map((utf8) => ({ utf8, digest: null, document: false })));
    return this.#compute(limits.computeMs, 'deliver', JSON.stringify(body));
  }

  /** Texts of a report, by their places. Hostile places give nothing but this kernel's own memory. */
  readAll(places: readonly Place[]): Promise<Buffer[]> {
    return this.#heap.readAll(places);
  }

  /** What the cell has written so far, stdout and stderr: also after a fault, as far as memory can still be read. */
  async salvageOutput(limitBytes: number): Promise<[stdout: Buffer, stderr: Buffer]> {
    const read = async (fd: 1 | 2): Promise<Buffer> => {
      try {
        const bytes = await this.#entries.lastBytes('output', [fd], SALVAGE_TIMEOUT_MS);
        return bytes.subarray(0, limitBytes);
      } catch {
        // Nothing can be read from an isolate that is gone; the fault says why it is.
        return Buffer.alloc(0);
      }
    };
    return [await read(1), await read(2)];
  }

  /** What `image` does first, without an image: of a cell that is none of a run. */
  async rest(): Promise<void> {
    await this.#entries.call('rest');
  }

  /** Ends the warm-up: the session as new. */
  async forget(): Promise<void> {
    await this.#entries.call('forget');
  }

  /**
   * The image of the present state as a blob, after an outcome was read: the cell's machinery leaves the heap first.
   * Throws a fault when the state cannot be restored elsewhere.
   */
  async image(digestOf: (blob: Buffer) => string): Promise<{ heapDigest: string; blob: Buffer }> {
    const said = await this.#entries.words('rest');
    const [blocks = 0, length, held] = said;
    const changes = await this.#heap.changes(blocks * BLOCK_BYTES, said.subarray(3));
    const { runtime, heapDigest: base, tableLength, references } = this.#base;
    if (length !== tableLength) throw this.#unimageable('changed the function table');
    if (held !== references) throw this.#unimageable('keeps a JavaScript object');
    const files = await this.#entries.bytes('saveFiles');
    const { parent, depth, pages, extents, merged } = await this.#lineage.advance(
      changes,
      (missing) => this.#heap.readPages(missing),
    );
    const heapDigest = this.#heap.digest(tableLength, files);
    const heapBytes = this.#heap.bytes;
    const header = { runtime, base, parent, depth, heapDigest, extents, heapBytes, tableLength };
    const sameFiles = merged === 0 && files.equals(this.#files);
    const blob = await encodeImage(header, pages, sameFiles ? null : files);
    this.#files = files;
    this.#lineage.commit(digestOf(blob), blob.length, merged);
    return { heapDigest, blob };
  }

  #unimageable(what: string): KernelFault {
    return this.#entries.end(
      new KernelFault('crash', `the cell ${what}, which an image does not hold`),
    );
  }

  /**
   * Brings a fresh kernel to an image: its chain of blobs, oldest first, and the texts that they name. Throws when the
   * result is not `heapDigest`.
   */
  async restore(
    chain: readonly StoredImage[],
    texts: ReadonlyMap<string, Buffer>,
    heapDigest: string,
  ): Promise<void> {
    const headers = chain.map(({ blob }) => decodeHeader(blob).header);
    const pageCount = headers.reduce((sum, header) => sum + header.pageCount, 0);
    // Beside the unpacking here. Its fault is thrown below, or by whatever comes first.
    const grown = this.#heap.grow(headers.at(-1)?.heapBytes ?? this.heapBytes, pageCount);
    grown.catch(() => undefined);
    for (const { blob, digest } of chain) {
      const image = await decodeImage(blob);
      if (image.header.base !== this.#base.heapDigest) {
        throw this.#entries.end(
          new KernelFault(
            'image',
            `image ${digest} begins with base ${image.header.base}, this kernel with ${this.#base.heapDigest}`,
          ),
        );
      }
      this.#lineage.apply(digest, blob.length, image);
      if (image.files !== null) this.#files = image.files;
    }
    const { pages, extents } = this.#lineage.takeRestored();
    const textOf = (digest: string): Buffer => {
      const text = texts.get(digest);
      if (text === undefined) throw new KernelFault('image', `text ${digest} was not given`);
      return text;
    };
    await this.#heap.restore(pages, extents, textOf, grown);
    if (this.#files.length > 0) await this.#entries.call('loadFiles', [moveIn(this.#files)]);
    const found = this.#heap.digest(this.#base.tableLength, this.#files);
    if (found !== heapDigest) {
      throw this.#entries.end(
        new KernelFault('image', `the restored heap is ${found}, the image says ${heapDigest}`),
      );
    }
  }
}
