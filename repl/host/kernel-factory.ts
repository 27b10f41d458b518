import { hash } from 'node:crypto';
import { PageDigests } from '../image/heap-digest.ts';
import { CURRENT_IMAGE_VERSION } from '../image/image-format.ts';
import type { KernelAssets } from './assets.ts';
import type { BaseDescription } from './base-description.ts';
import {
  type BootedIsolate,
  type BootShare,
  bootIsolate,
  shareSnapshot,
  type Snapshot,
  takeSnapshot,
} from './boot-isolate.ts';
import { GuardedEntries } from './guarded-entries.ts';
import { HeapWindow } from './heap-window.ts';
import { Kernel, type KernelBase } from './kernel.ts';
import { KernelReport } from './kernel-report.ts';
import { WARM_UP_CELLS } from './warm-up.ts';

const PYTHON = '3.14.2';
const PYODIDE = '314.0.7';
const NO_ENTROPY = '0'.repeat(64);
/** A step restores an image in less. */
const REFILL_AFTER_MS = 150;
const BOOT_TIMEOUT_MS = 60_000;
const WARM_UP_LIMITS = {
  computeMs: 60_000,
  heapMiB: 512,
  outputBytes: 100_000,
  filesBytes: 2 ** 24,
  pendingCalls: 1000,
};

/** Makes kernels at the base image. All of one host share the compiled module, the snapshot and the base heap. */
export class KernelFactory {
  readonly #share: BootShare;
  readonly #snapshot: Snapshot;
  readonly #warm: number;
  #base: KernelBase | undefined;
  /** Booted ahead, so that a step that finds no kernel does not wait for one. */
  readonly #spares: BootedIsolate[] = [];
  #refill: Promise<BootedIsolate | undefined> | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor(share: BootShare, snapshot: Snapshot, warm = 0) {
    this.#warm = warm;
    this.#share = share;
    this.#snapshot = snapshot;
  }

  /** From a snapshot that `build` made; refuses one whose kernels do not come out as described. */
  static async open(
    assets: KernelAssets,
    bytes: Buffer,
    description: BaseDescription,
    warmKernels: number,
  ): Promise<KernelFactory> {
    const found = sha256(bytes);
    if (found !== description.snapshotSha256) {
      throw new Error(`the start-up snapshot is damaged: SHA-256 ${found}`);
    }
    const { places, runtime } = description;
    const factory = new KernelFactory({ assets }, shareSnapshot(bytes, places), warmKernels);
    const base = await factory.#measure();
    const { heapDigest } = base;
    if (heapDigest !== description.heapDigest) {
      throw new Error(
        `the base image on this machine is ${heapDigest}, expected ${description.heapDigest}`,
      );
    }
    factory.#base = { ...base, runtime };
    return factory;
  }

  /** Boots without a snapshot, warms up, takes one, and describes the kernels that come from it. */
  static async build(
    assets: KernelAssets,
  ): Promise<{ snapshot: Buffer; description: BaseDescription }> {
    const { bytes, places } = await takeSnapshot({ assets }, warmUp);
    const snapshot = shareSnapshot(bytes, places);
    const [one, two] = [
      await new KernelFactory({ assets }, snapshot).#measure(),
      await new KernelFactory({ assets }, snapshot).#measure(),
    ];
    if (!one.heap.equals(two.heap)) {
      throw new Error('two kernels from one snapshot differ: the base image is not deterministic');
    }
    const { heapDigest } = one;
    // Not all of a kernel's behaviour is in its heap: what runs around it belongs to its identity.
    const { asm, environment, switch: switching, kernel, files, stacks, pages, seal } = assets;
    const wasm = sha256(Buffer.from(assets.wasm));
    const code = [wasm, asm, environment, switching, kernel, files, stacks, pages, seal].join('\n');
    const identity = sha256(Buffer.from(`${heapDigest} ${sha256(Buffer.from(code))}`)).slice(0, 8);
    return {
      snapshot: bytes,
      description: {
        runtime: `cpython${PYTHON}-pyodide${PYODIDE}-img${CURRENT_IMAGE_VERSION}-${process.arch}-${identity}`,
        heapDigest,
        tableLength: one.tableLength,
        heapBytes: one.heap.length,
        snapshotSha256: sha256(bytes),
        places,
      },
    };
  }

  get base(): KernelBase {
    if (this.#base === undefined) throw new Error('the factory is not open');
    return this.#base;
  }

  /** A kernel at the base image: a spare one, one that is being booted as a spare, or one that boots now. */
  async make(): Promise<Kernel> {
    const booted = this.#spares.pop() ?? (await this.#booting()) ?? (await this.#boot());
    this.#refillSoon();
    return new Kernel(booted, this.base);
  }

  /** The spare that is under way, for the first that asks; the others boot their own. */
  async #booting(): Promise<BootedIsolate | undefined> {
    const under = this.#refill;
    this.#refill = undefined;
    return under;
  }

  /** After the step that took a kernel has had time to restore it: a boot beside it would slow it down. */
  #refillSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#refillSpares(), REFILL_AFTER_MS).unref();
  }

  /** One boot at a time. */
  async #refillSpares(): Promise<void> {
    while (this.#refill === undefined && this.#spares.length < this.#warm) {
      // A step that finds no spare boots one itself, and reports why it cannot.
      const refill = this.#boot().catch(() => undefined);
      this.#refill = refill;
      const booted = await refill;
      if (booted === undefined) return;
      if (this.#refill !== refill) continue;
      this.#refill = undefined;
      this.#spares.push(booted);
    }
  }

  /** Boots the first kernel, keeps it as a spare, and reads its heap: every later one is equal. */
  async #measure(): Promise<KernelBase> {
    const booted = await this.#boot();
    this.#spares.push(booted);
    const { entries } = booted;
    const heapBytes = await entries.number('heapBytes', [], BOOT_TIMEOUT_MS);
    const heap = await new HeapWindow(new GuardedEntries(entries), booted.window).read(
      0,
      heapBytes,
    );
    const tableLength = await entries.number('tableLength', [], BOOT_TIMEOUT_MS);
    const references = await entries.number('references', [], BOOT_TIMEOUT_MS);
    const digests = PageDigests.of(heap);
    const heapDigest = digests.heapDigest(tableLength, Buffer.alloc(0));
    return { runtime: 'base', heapDigest, heap, digests, tableLength, references };
  }

  async #boot(): Promise<BootedIsolate> {
    const booted = await bootIsolate(this.#share, this.#snapshot);
    this.#share.compiled ??= booted.compiled;
    return booted;
  }
}

async function warmUp(booted: BootedIsolate): Promise<void> {
  const nothing: KernelBase = {
    runtime: 'warm-up',
    heapDigest: '',
    heap: Buffer.alloc(0),
    digests: new PageDigests(Buffer.alloc(0)),
    tableLength: 0,
    references: 0,
  };
  // Nothing of what this kernel would say of its heap is used.
  const kernel = new Kernel(booted, nothing);
  for (const code of WARM_UP_CELLS) {
    const body = {
      cell: '0.0',
      code,
      edits: [],
      pendingCalls: 1000,
      outputBytes: 100_000,
      randomSeed: '',
    };
    const spec = { clockMs: 1.7e12, seed: NO_ENTROPY, limits: WARM_UP_LIMITS, body };
    let report = KernelReport.parse(JSON.parse(await kernel.start(spec, [])));
    while ('calls' in report) {
      const answers = report.calls.map(({ number }, text) => ({
        ...WARM_UP_ANSWER,
        call: number,
        text,
      }));
      const texts = report.calls.map(({ number }) => Buffer.from(`re ${number}`));
      const delivery = { clockMs: 1.7e12, answers };
      report = KernelReport.parse(
        JSON.parse(await kernel.deliver(WARM_UP_LIMITS, delivery, texts)),
      );
    }
    if (!('stdout' in report))
      throw new Error(`warming up a kernel failed: ${JSON.stringify(report)}`);
    await kernel.rest();
  }
  await kernel.forget();
}

const WARM_UP_ANSWER = {
  status: 'ok',
  model: 'none',
  finishReason: 'stop',
  usage: { inputTokens: 1, cachedInputTokens: 0, outputTokens: 1, costUsd: 0, estimated: true },
};

function sha256(bytes: Buffer): string {
  return hash('sha256', bytes, 'hex');
}
