import type { Kernel } from './kernel.ts';

/** Memory that a kernel needs beside its heap, in MiB: JavaScript heap, code, stacks, page digests. */
const KERNEL_OVERHEAD_MIB = 40;
const MIB = 2 ** 20;

/**
 * Kernels that wait for an answer or for the next cell: a cache, bounded by memory, least recently parked goes first.
 * P1  A kernel is handed out at most once: taking removes it.
 */
export class ParkedKernels {
  #limitMiB: number;
  readonly #byKey = new Map<string, Kernel>();

  constructor(limitMiB: number) {
    this.#limitMiB = limitMiB;
  }

  take(key: string): Kernel | undefined {
    const kernel = this.#byKey.get(key);
    this.#byKey.delete(key);
    return kernel;
  }

  /** False when it does not fit: it is then destroyed, as are older ones that had to make room. */
  put(key: string, kernel: Kernel): boolean {
    this.#byKey.get(key)?.dispose();
    this.#byKey.delete(key);
    this.#byKey.set(key, kernel);
    this.#evict();
    return this.#byKey.has(key);
  }

  /** From now on they take no more than this, in MiB. Returns what they take. */
  limitTo(limitMiB: number): number {
    this.#limitMiB = limitMiB;
    return this.#evict();
  }

  #evict(): number {
    let used = 0;
    for (const parked of this.#byKey.values()) used += sizeMiB(parked);
    for (const [oldest, parked] of this.#byKey) {
      if (used <= this.#limitMiB) break;
      used -= sizeMiB(parked);
      this.#byKey.delete(oldest);
      parked.dispose();
    }
    return used;
  }
}

function sizeMiB(kernel: Kernel): number {
  return KERNEL_OVERHEAD_MIB + kernel.heapBytes / MIB;
}
