import { readFile } from 'node:fs/promises';
import { constrainedMemory } from 'node:process';
import { totalmem } from 'node:os';
import type { RunCellInput } from '../protocol/index.ts';
import { KernelCrashed } from './errors.ts';
import type { HostProcess } from './host/host-process.ts';
import { MemoryGate } from './memory-gate.ts';

const MIB = 2 ** 20;
/** Of the machine's or the container's memory, for kernels; the worker itself, and whatever else runs there, has the rest. */
const SHARE = 0.75;
/** Of a host without any kernel in use: snapshot, code, kernels booted ahead. */
const HOST_MIB = 300;
/** Of a kernel beside its heap, and what a usual cell adds to it. */
const KERNEL_MIB = 64;
const GROWTH_MIB = 64;
/** Of a heap, beside the kernel that has it: pages and images on their way in and out (measured: 400 MiB for a heap of 270). */
const IMAGE_SHARE = 1.5;
/** Of the limit: from here on parked kernels go, before it is reached. */
const PARKED_UNTIL = 0.85;
/** A kernel that was thrown away is gone from the figures after some tenths of a second. */
const LOOK_MS = 300;

interface Running {
  name: string;
  mib: number;
  wholeMiB: number;
  stop: AbortController;
}

/** What a step holds while it runs. */
interface Admitted {
  /** Aborts with the caller's signal, and when this step must make room. */
  signal: AbortSignal;
  release(): void;
}

/**
 * Keeps a kernel host within its memory: more runs than memory make a queue, and nothing for the system to kill.
 *
 * M1  A step begins when there is room for the heap that it starts from, and some more. Parked kernels make room.
 * M2  When the host grows beyond its limit all the same, parked kernels go first; then the newest step is stopped. It
 *     runs again when there is room for the largest heap that it may have. Steps are pure: only time is lost.
 */
export class KernelMemory {
  readonly #limitMiB: number;
  readonly #parkedMiB: number;
  readonly #gate: MemoryGate;
  readonly #residentMiB: (pid: number) => Promise<number | null>;
  readonly #host: () => HostProcess | undefined;
  readonly #running = new Set<Running>();
  /** Steps that were stopped for want of memory. */
  readonly #stopped = new Set<string>();
  #watch: NodeJS.Timeout | undefined;
  #looking = false;
  /** The limit that was last asked for, and of which host. */
  #told: { host: HostProcess; limitMiB: number } | undefined;
  /** Steps that had to make room. */
  stops = 0;

  constructor(options: {
    memoryMiB?: number | undefined;
    parkedMiB: number;
    host: () => HostProcess | undefined;
    residentMiB?: ((pid: number) => Promise<number | null>) | undefined;
  }) {
    this.#limitMiB = Math.max(options.memoryMiB ?? defaultMemoryMiB(), 2 * HOST_MIB);
    this.#parkedMiB = options.parkedMiB;
    this.#gate = new MemoryGate(this.#limitMiB - HOST_MIB);
    this.#host = options.host;
    this.#residentMiB = options.residentMiB ?? residentMiB;
  }

  /** Resolves when the step may begin. Rejects with the signal's reason. */
  async admit({ key, image, limits }: RunCellInput, signal: AbortSignal): Promise<Admitted> {
    const name = JSON.stringify(key);
    const wholeMiB = limits.heapMiB + KERNEL_MIB;
    const heapMiB = (image.heapBytes / MIB) * (1 + IMAGE_SHARE);
    const usualMiB = Math.min(heapMiB + KERNEL_MIB + GROWTH_MIB, wholeMiB);
    const mib = this.#stopped.has(name) ? wholeMiB : usualMiB;
    const leave = await this.#gate.enter(mib, signal);
    const step = { name, mib, wholeMiB, stop: new AbortController() };
    this.#running.add(step);
    this.#watch ??= setInterval(() => void this.#look(), LOOK_MS).unref();
    await this.#makeRoom().catch(() => undefined);
    return {
      signal: AbortSignal.any([signal, step.stop.signal]),
      release: () => {
        this.#running.delete(step);
        if (!step.stop.signal.aborted) this.#stopped.delete(name);
        leave();
        if (this.#running.size > 0) return;
        clearInterval(this.#watch);
        this.#watch = undefined;
      },
    };
  }

  /** Steps wait for memory. */
  get isShort(): boolean {
    return this.#gate.isCrowded;
  }

  /** What parked kernels may take beside the steps that run. */
  #room(): number {
    const left = this.#limitMiB - HOST_MIB - this.#gate.takenMiB;
    return Math.max(0, Math.min(this.#parkedMiB, left));
  }

  /** Returns what they take then, in MiB. */
  async #limitParked(limitMiB: number): Promise<number> {
    const host = this.#host();
    if (host === undefined) return 0;
    this.#told = { host, limitMiB };
    try {
      return (await host.ask({ op: 'limitParked', limitMiB })).result.parkedMiB;
    } catch (error) {
      this.#told = undefined;
      throw error;
    }
  }

  /** Tells the host what parked kernels may take now, unless it was told so last. */
  async #makeRoom(): Promise<void> {
    const limitMiB = this.#room();
    if (this.#told?.host === this.#host() && this.#told?.limitMiB === limitMiB) return;
    await this.#limitParked(limitMiB);
  }

  async #look(): Promise<void> {
    const host = this.#host();
    if (host === undefined || this.#looking) return;
    this.#looking = true;
    try {
      const takenMiB = (await this.#residentMiB(host.pid)) ?? 0;
      const overMiB = takenMiB - this.#limitMiB * PARKED_UNTIL;
      if (overMiB <= 0) return;
      const parkedMiB = await this.#limitParked(this.#room());
      if (parkedMiB > 0) await this.#limitParked(Math.max(0, parkedMiB - overMiB));
      else if (takenMiB > this.#limitMiB) this.#stopNewest();
    } catch {
      // The host is gone, and its memory with it.
    } finally {
      this.#looking = false;
    }
  }

  /** The oldest goes on, so that there is always one that ends. */
  #stopNewest(): void {
    const [, ...others] = this.#running;
    const newest = others.findLast(({ mib, wholeMiB }) => mib < wholeMiB);
    if (newest === undefined || newest.stop.signal.aborted) return;
    this.stops += 1;
    this.#stopped.add(newest.name);
    newest.stop.abort(
      new KernelCrashed(
        'there was no memory for this step beside others; it is run again when there is',
      ),
    );
  }
}

/** Three quarters of what the machine has, or the container when that has less. */
function defaultMemoryMiB(): number {
  const limit = constrainedMemory() ?? 0;
  const bytes = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return Math.floor((bytes * SHARE) / MIB);
}

/** Memory that a process holds now; null where the system does not say. */
async function residentMiB(pid: number): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
  return kib === undefined ? null : Number(kib) / 1024;
}
