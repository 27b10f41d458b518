import type ivm from 'isolated-vm';
import type { CellLimits } from '../../protocol/index.ts';
import { PAGE_BYTES, type PageDigests } from '../image/heap-digest.ts';
import { decodeImage, encodeImage } from '../image/image-format.ts';
import { Lineage } from '../image/lineage.ts';
import { HARD_HEAP_MIB } from './assets.ts';
import type { BootedIsolate } from './boot-isolate.ts';
import type { EntryName, KernelEntries } from './kernel-entries.ts';
import { KernelFault, toKernelFault } from './kernel-fault.ts';
import { moveIn } from './move-in.ts';
import { pythonText } from './python-text.ts';

/** Time for what is no model code: imaging, restoring, reading. A kernel that exceeds it is thrown away. */
const SERVICE_TIMEOUT_MS = 60_000;
/** Time to read what an ended cell had written. */
const SALVAGE_TIMEOUT_MS = 500;
/** Bytes of the heap moved at once. */
const COPY_BYTES = 32 * 2 ** 20;
const MIB = 2 ** 20;
const MAX_HEAP_BYTES = HARD_HEAP_MIB * MIB;

/** The state that every fresh kernel of this host has, byte for byte. */
export interface KernelBase {
  runtime: string;
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
 * Owns: the isolate, its chain of images, the digests of its pages.
 * K1  One call at a time.
 * K2  After any fault the kernel is dead: every later call throws that fault; it never returns to a pool.
 * K3  An image is taken only at rest: no stack is suspended.
 * K4  A kernel serves one run only, because that run may have changed the isolate's JavaScript.
 */
export class Kernel {
  readonly #isolate: ivm.Isolate;
  readonly #entries: KernelEntries;
  readonly #base: KernelBase;
  readonly #lineage: Lineage;
  readonly #digests: PageDigests;
  #fault: KernelFault | null = null;
  #files: Buffer = Buffer.alloc(0);
  #heapBytes: number;
  /** Compute time of the present cell so far, in ms. */
  cellMs = 0;

  constructor(booted: BootedIsolate, base: KernelBase) {
    this.#isolate = booted.isolate;
    this.#entries = booted.entries;
    this.#base = base;
    this.#lineage = new Lineage(base.heap);
    this.#digests = base.digests.copy();
    this.#heapBytes = base.heap.length;
  }

  get heapBytes(): number {
    return this.#heapBytes;
  }

  /** Ends whatever runs. Safe at any time, also twice. */
  dispose(): void {
    this.#fault ??= new KernelFault('crash', 'the kernel was disposed of');
    if (!this.#isolate.isDisposed) this.#isolate.dispose();
  }

  /** Every way into the isolate: the first fault is the kernel's last word. */
  async #guarded<T>(work: (entries: KernelEntries) => Promise<T>): Promise<T> {
    if (this.#fault) throw this.#fault;
    try {
      return await work(this.#entries);
    } catch (error) {
      this.#fault ??= toKernelFault(error);
      throw this.#fault;
    }
  }

  #end(why: string): KernelFault {
    this.#fault = new KernelFault('crash', why);
    return this.#fault;
  }

  #call(name: EntryName, args: Parameters<KernelEntries['call']>[1] = []): Promise<unknown> {
    return this.#guarded((entries) => entries.call(name, args, SERVICE_TIMEOUT_MS));
  }

  #number(name: EntryName, args: Parameters<KernelEntries['call']>[1] = []): Promise<number> {
    return this.#guarded((entries) => entries.number(name, args, SERVICE_TIMEOUT_MS));
  }

  #bytes(name: EntryName, args: Parameters<KernelEntries['call']>[1] = []): Promise<Buffer> {
    return this.#guarded((entries) => entries.bytes(name, args, SERVICE_TIMEOUT_MS));
  }

  /** One stretch of model code: an entry, then a look at what it left behind. Returns the JSON text that Python gives. */
  async #compute(limitMs: number, entry: EntryName, argument: string): Promise<string> {
    const before = this.#isolate.cpuTime;
    const begun = performance.now();
    try {
      return await this.#guarded(async (entries) => {
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

  /** Starts a cell. `texts` are UTF-8; `spec` names them by index. */
  async start(
    spec: { clockMs: number; seed: string; limits: CellLimits; body: unknown },
    texts: readonly Buffer[],
  ): Promise<string> {
    const { clockMs, seed, limits, body } = spec;
    this.cellMs = 0;
    await this.#call('prepare', [clockMs, seed, limits.heapMiB * MIB, limits.filesBytes]);
    await this.#stage(texts);
    return this.#compute(limits.computeMs, 'begin', JSON.stringify(body));
  }

  async deliver(limits: CellLimits, body: unknown, texts: readonly Buffer[]): Promise<string> {
    await this.#stage(texts);
    return this.#compute(limits.computeMs, 'deliver', JSON.stringify(body));
  }

  async #stage(texts: readonly Buffer[]): Promise<void> {
    for (const utf8 of texts) {
      const { length, maxChar, bytes } = pythonText(utf8);
      const address = await this.#number('stage', [length, maxChar]);
      if (address === 0) {
        throw (this.#fault = new KernelFault(
          'memory',
          `a text of ${length} characters does not fit into the heap`,
        ));
      }
      for (let at = 0; at < bytes.length; at += COPY_BYTES) {
        const part = bytes.slice(at, at + COPY_BYTES);
        await this.#call('write', [address + at, moveIn(part)]);
      }
    }
  }

  /** Bytes of the heap. Hostile addresses give nothing but this kernel's own memory. Throws a fault when not so many come. */
  async read(address: number, length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let at = 0; at < length; at += COPY_BYTES) {
      const size = Math.min(COPY_BYTES, length - at);
      const part = await this.#bytes('read', [address + at, size]);
      if (part.length !== size) throw (this.#fault = forgery('a text lies outside of the heap'));
      parts.push(part);
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }

  /** What the cell has written so far, stdout and stderr: also after a fault, as far as memory can still be read. */
  async salvageOutput(limitBytes: number): Promise<[stdout: Buffer, stderr: Buffer]> {
    const read = async (fd: 1 | 2): Promise<Buffer> => {
      try {
        const bytes = await this.#entries.bytes('output', [fd], SALVAGE_TIMEOUT_MS);
        return bytes.subarray(0, limitBytes);
      } catch {
        // Nothing can be read from an isolate that is gone; the fault says why it is.
        return Buffer.alloc(0);
      }
    };
    return [await read(1), await read(2)];
  }

  /** After an outcome was read: the cell's machinery leaves the heap, which is then at rest. */
  async rest(): Promise<void> {
    await this.#call('rest');
  }

  /** Ends the warm-up: the session as new. */
  async forget(): Promise<void> {
    await this.#call('forget');
  }

  /** The image of the present state as a blob. Throws a fault when the state cannot be restored elsewhere. */
  async image(digestOf: (blob: Buffer) => string): Promise<{ heapDigest: string; blob: Buffer }> {
    const dirty = await this.#scan();
    const tableLength = await this.#number('tableLength');
    if (tableLength !== this.#base.tableLength) {
      throw this.#end('the cell changed the function table, which an image does not hold');
    }
    if ((await this.#number('references')) !== this.#base.references) {
      throw this.#end('the cell keeps a JavaScript object, which an image does not hold');
    }
    const files = await this.#bytes('saveFiles');
    const estimate = 2048 + dirty.size * 40;
    const fold = await this.#lineage.advance(dirty, estimate, (pages) => this.#readPages(pages));
    const heapDigest = this.#digests.heapDigest(tableLength, files);
    const { runtime } = this.#base;
    const { parent, depth, pages, merged } = fold;
    const header = { runtime, parent, depth, heapDigest, heapBytes: this.#heapBytes, tableLength };
    const sameFiles = merged === 0 && files.equals(this.#files);
    const blob = await encodeImage(header, pages, sameFiles ? null : files);
    this.#files = files;
    this.#lineage.commit(digestOf(blob), blob.length, merged);
    return { heapDigest, blob };
  }

  /** Content of the pages that changed since the last scan; brings the digests up to date. */
  async #scan(): Promise<Map<number, Buffer>> {
    const heapBytes = await this.#number('heapBytes');
    if (!(heapBytes >= this.#heapBytes && heapBytes <= MAX_HEAP_BYTES) || heapBytes % 65536 !== 0) {
      throw (this.#fault = forgery(`the heap cannot have ${heapBytes} bytes`));
    }
    this.#heapBytes = heapBytes;
    const scanned = await this.#bytes('scan');
    const count = scanned.length < 4 ? -1 : scanned.readUInt32LE(0);
    if (scanned.length !== 4 + count * (4 + PAGE_BYTES)) {
      throw (this.#fault = forgery('the list of changed pages does not hold what it says'));
    }
    this.#digests.grow(this.#heapBytes);
    const dirty = new Map<number, Buffer>();
    for (let i = 0; i < count; i++) {
      const at = 4 + 4 * count + PAGE_BYTES * i;
      // A copy of its own, so that one remembered page does not keep the whole scan alive.
      const content = Buffer.from(scanned.subarray(at, at + PAGE_BYTES));
      const page = scanned.readUInt32LE(4 + 4 * i);
      if (page * PAGE_BYTES >= heapBytes) {
        throw (this.#fault = forgery(`page ${page} lies outside of the heap`));
      }
      this.#digests.set(page, content);
      dirty.set(page, content);
    }
    return dirty;
  }

  async #readPages(pages: number[]): Promise<Map<number, Buffer>> {
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

  /** Brings a fresh kernel to an image: its chain of blobs, oldest first. Throws when the result is not `heapDigest`. */
  async restore(chain: readonly StoredImage[], heapDigest: string): Promise<void> {
    let heapBytes = this.#heapBytes;
    for (const { blob, digest } of chain) {
      const image = await decodeImage(blob);
      this.#lineage.apply(digest, blob.length, image);
      heapBytes = image.header.heapBytes;
      if (image.files !== null) this.#files = image.files;
    }
    const pages = this.#lineage.takeRestored();
    const buffer = Buffer.allocUnsafeSlow(pages.length * (4 + PAGE_BYTES));
    this.#digests.grow(heapBytes);
    pages.forEach(([page, content], i) => {
      buffer.writeUInt32LE(page, 4 * i);
      content.copy(buffer, 4 * pages.length + PAGE_BYTES * i);
      this.#digests.set(page, content);
    });
    await this.#call('restore', [heapBytes, pages.length, moveIn(buffer)]);
    this.#heapBytes = heapBytes;
    if (this.#files.length > 0) await this.#call('loadFiles', [moveIn(this.#files)]);
    const found = this.#digests.heapDigest(this.#base.tableLength, this.#files);
    if (found !== heapDigest) {
      throw (this.#fault = new KernelFault(
        'image',
        `the restored heap is ${found}, the image says ${heapDigest}`,
      ));
    }
  }
}

/** What no kernel says that was not tampered with. */
function forgery(what: string): KernelFault {
  return new KernelFault('crash', what);
}
