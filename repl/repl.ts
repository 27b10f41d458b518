import type { CellOutcome, HeapImageRef, RunCellInput } from '../protocol/index.ts';
import type { Store } from '../store/index.ts';
import { type PreparedBase, prepareBase } from './base-cache.ts';
import { KernelCrashed } from './errors.ts';
import type { BaseDescription } from './host/base-description.ts';
import { HostGone, HostProcess } from './host/host-process.ts';
import { type HostQueue, HostRoom } from './host-room.ts';
import { KernelMemory } from './kernel-memory.ts';
import { encodeImage } from './image/image-format.ts';
import { ImageRebuilder } from './rebuild-images.ts';
import type { RecordedStep } from './recorded-steps.ts';
import { runStep } from './run-step.ts';

/** Memory for kernels that wait or rest, in MiB; beyond it the least recently used ones go. */
const PARKED_MIB = 2048;
const WARM_KERNELS = 2;
/** `onProgress` is called this often while a step runs: an activity's heartbeat is at most a second. */
const PROGRESS_MS = 500;

export interface StepProgress {
  /** Since the step began, in ms. */
  elapsedMs: number;
}

export interface ReplStats {
  /** Steps that run now. */
  running: number;
  /** Steps since the REPL was opened, by how they came to their kernel. */
  steps: { fresh: number; parked: number; replayed: number };
  /** Hosts that died and were replaced. */
  hostsLost: number;
  /** Times that a step was stopped to make room for others. */
  memoryStops: number;
}

/** Runs REPL steps: each a pure function from one heap image to the next. */
export interface Repl {
  /** Identity of the runtime, for instance `cpython3.14.2-pyodide314.0.7-img1-x64-47540d3c`. */
  readonly runtime: string;
  /** The base image; its blob is in the store. */
  readonly base: HeapImageRef;
  /**
   * One step. Pure: safe to run twice, by several processes at once; everything it names is stored before it resolves.
   * `signal` destroys the kernel and rejects with the signal's reason. `onProgress` is called at least once a second.
   * Throws KernelCrashed (run it again), ImageIncompatible, and the errors of the store; whatever the model's code does
   * is an outcome, never an error.
   */
  runStep(
    input: RunCellInput,
    options?: { signal?: AbortSignal; onProgress?: (progress: StepProgress) => void },
  ): Promise<CellOutcome>;
  /** Rebuilds images from the steps that made them; see `ImageRebuilder`. Throws KernelCrashed when the host dies. */
  rebuilder(steps: readonly RecordedStep[], signal?: AbortSignal): Promise<ImageRebuilder>;
  stats(): ReplStats;
  readonly hostPids: number[];
  /** Ends the kernel host; running steps reject with KernelCrashed. */
  dispose(): Promise<void>;
}

export interface ReplOptions {
  store: Store;
  /** Where the base image is kept; see `prepareBaseImage`. */
  cacheDir: string;
  /** Memory for waiting and resting kernels, in MiB. Default 2048. */
  parkedMiB?: number;
  /** Memory of the kernel host, in MiB: steps wait when it is taken. Default: three quarters of the machine's or the container's. */
  memoryMiB?: number | undefined;
  /** Of a process, in MiB, null when unknown; for tests. */
  residentMiB?: (pid: number) => Promise<number | null>;
  /** Kernels booted ahead, about 40 MB each; a step that finds none waits 0.3 s more. Default 2. */
  warmKernels?: number;
  /** Where steps whose kernels are kept here may be sent; outcomes name it. Default none. */
  hostQueue?: HostQueue;
  /** Free memory in MiB, asked before a kernel is kept. Default: what the system says. */
  freeMiB?: () => Promise<number>;
}

/** Opens the REPL of this program, building its base image if `cacheDir` has none. */
export async function openRepl(options: ReplOptions): Promise<Repl> {
  const { store, cacheDir, parkedMiB = PARKED_MIB, warmKernels = WARM_KERNELS } = options;
  const prepared = await prepareBase(cacheDir, () => {});
  const hosts = new HostSlot(async () => {
    // Again: whoever cleared the cache meanwhile would otherwise leave this worker without kernels for good.
    const { folder, description } = await prepareBase(cacheDir, () => {});
    checkSameBase(description, prepared.description);
    return HostProcess.start({ baseFolder: folder, parkedMiB, warmKernels });
  });
  await hosts.get();
  const stored = await storeBase(store, prepared).catch(async (error: unknown) => {
    // A host that nobody can reach any more would keep this process alive.
    await hosts.close();
    throw error;
  });
  const { memoryMiB, residentMiB } = options;
  const host = (): HostProcess | undefined => hosts.running;
  const memory = new KernelMemory({ memoryMiB, parkedMiB, host, residentMiB });
  const { hostQueue = null, freeMiB } = options;
  const room = new HostRoom(hostQueue, freeMiB, () => memory.isShort);
  return new LocalRepl(store, prepared, stored, hosts, room, memory);
}

/** Builds the base image if `cacheDir` has none. Idempotent and atomic; several processes may do it at once. */
export async function prepareBaseImage(options: {
  cacheDir: string;
  onProgress?: (line: string) => void;
}): Promise<{ runtime: string; digest: string; built: boolean; path: string }> {
  const { description, built, folder } = await prepareBase(
    options.cacheDir,
    options.onProgress ?? (() => {}),
  );
  const { runtime, heapDigest: digest } = description;
  return { runtime, digest, built, path: folder };
}

/** A base that was built again is equal, on a machine of the same architecture: anything else would give other heaps. */
function checkSameBase(found: BaseDescription, opened: BaseDescription): void {
  if (found.runtime === opened.runtime && found.heapDigest === opened.heapDigest) return;
  throw new KernelCrashed(
    `the base image in the cache is now ${found.runtime}, this worker serves ${opened.runtime}: start it again`,
  );
}

/** The base as an image: no pages. It names the runtime, so that a fork of the empty REPL is possible. */
async function storeBase(store: Store, { description }: PreparedBase): Promise<HeapImageRef> {
  const { runtime, heapDigest, heapBytes, tableLength } = description;
  const header = {
    runtime,
    base: heapDigest,
    parent: null,
    depth: 1,
    heapDigest,
    extents: [],
    heapBytes,
    tableLength,
  };
  const { digest, sizeBytes } = await store.blobs.put(await encodeImage(header, [], null));
  return { blob: digest, heapDigest, storedBytes: sizeBytes, heapBytes };
}

/** The one host of a REPL: started when needed, replaced when it died. */
class HostSlot {
  readonly #start: () => Promise<HostProcess>;
  #host: Promise<HostProcess> | undefined;
  #current: HostProcess | undefined;
  #closed = false;
  lost = 0;

  constructor(start: () => Promise<HostProcess>) {
    this.#start = start;
  }

  get running(): HostProcess | undefined {
    return this.#current?.alive === true ? this.#current : undefined;
  }

  async get(): Promise<HostProcess> {
    if (this.#closed) throw new KernelCrashed('the REPL was disposed of');
    if (this.#current !== undefined && !this.#current.alive) {
      this.#current = undefined;
      this.#host = undefined;
      this.lost += 1;
    }
    this.#host ??= this.#start();
    try {
      this.#current = await this.#host;
      return this.#current;
    } catch (error) {
      this.#host = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const host = await this.#host?.catch(() => undefined);
    await host?.dispose();
  }
}

class LocalRepl implements Repl {
  readonly runtime: string;
  readonly base: HeapImageRef;
  readonly #store: Store;
  readonly #hosts: HostSlot;
  readonly #memory: KernelMemory;
  readonly #steps = { fresh: 0, parked: 0, replayed: 0 };
  readonly #room: HostRoom;

  constructor(
    store: Store,
    prepared: PreparedBase,
    base: HeapImageRef,
    hosts: HostSlot,
    room: HostRoom,
    memory: KernelMemory,
  ) {
    this.#room = room;
    this.#memory = memory;
    this.runtime = prepared.description.runtime;
    this.base = base;
    this.#store = store;
    this.#hosts = hosts;
  }

  async runStep(
    input: RunCellInput,
    options: { signal?: AbortSignal; onProgress?: (progress: StepProgress) => void } = {},
  ): Promise<CellOutcome> {
    const { signal = new AbortController().signal, onProgress } = options;
    signal.throwIfAborted();
    const begun = performance.now();
    const beat =
      onProgress &&
      setInterval(() => onProgress({ elapsedMs: performance.now() - begun }), PROGRESS_MS);
    this.#room.enter();
    let admitted: Awaited<ReturnType<KernelMemory['admit']>> | undefined;
    try {
      admitted = await this.#memory.admit(input, signal);
      const host = await this.#hosts.get();
      const where = { store: this.#store, host, room: this.#room, runtime: this.runtime };
      const context = { ...where, base: this.base, signal: admitted.signal };
      const outcome = await runStep(context, input);
      this.#steps[outcome.way] += 1;
      return outcome;
    } catch (error) {
      if (error instanceof HostGone) throw new KernelCrashed(error.message);
      throw error;
    } finally {
      admitted?.release();
      this.#room.leave();
      clearInterval(beat);
    }
  }

  async rebuilder(
    steps: readonly RecordedStep[],
    signal: AbortSignal = new AbortController().signal,
  ): Promise<ImageRebuilder> {
    const { runtime, base } = this;
    const host = await this.#hosts.get();
    const context = { store: this.#store, host, runtime, base, signal };
    return new ImageRebuilder(context, steps, (input) => this.#memory.admit(input, signal));
  }

  stats(): ReplStats {
    const { lost: hostsLost } = this.#hosts;
    const { stops: memoryStops } = this.#memory;
    return { running: this.#room.running, steps: { ...this.#steps }, hostsLost, memoryStops };
  }

  get hostPids(): number[] {
    const { running } = this.#hosts;
    return running === undefined ? [] : [running.pid];
  }

  async dispose(): Promise<void> {
    await this.#hosts.close();
  }
}
