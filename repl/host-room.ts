import { hostname } from 'node:os';
import type { StepPlace } from '../protocol/index.ts';
import { freeMemoryMiB } from './free-memory.ts';

/** Below this much free memory a host keeps no kernel, in MiB: about what one step may need beside what runs already. */
const RESERVE_MIB = 512;

/** The queue of a worker process, and how many steps it runs at once. */
export interface HostQueue {
  name: string;
  slots: number;
}

/**
 * What a host says of itself to the run whose step it ran, and whether it keeps that step's kernel.
 *
 * R1  A host that is full, or where steps wait for memory, names no queue: any worker with room is sooner. It keeps the
 *     kernel all the same, until another step needs its memory.
 * R2  A host whose machine is short of memory keeps no kernel.
 */
export class HostRoom {
  readonly #queue: HostQueue | null;
  readonly #freeMiB: () => Promise<number>;
  readonly #isShort: () => boolean;
  #running = 0;

  constructor(
    queue: HostQueue | null,
    freeMiB: () => Promise<number> = freeMemoryMiB,
    isShort: () => boolean = () => false,
  ) {
    this.#isShort = isShort;
    this.#queue = queue;
    this.#freeMiB = freeMiB;
  }

  get running(): number {
    return this.#running;
  }

  enter(): void {
    this.#running += 1;
  }

  leave(): void {
    this.#running -= 1;
  }

  async mayKeep(): Promise<boolean> {
    return (await this.#freeMiB()) >= RESERVE_MIB;
  }

  /** `kept`: the kernel is parked. */
  place(way: StepPlace['way'], hostPid: number, kept: boolean): StepPlace {
    const host = `${hostname()}/${process.pid}/${hostPid}`.slice(-300);
    const queue = this.#queue;
    // The step that asks is one of those that run; its slot is free for the next.
    const isOpen = queue !== null && kept && this.#running <= queue.slots && !this.#isShort();
    return { way, host, ...(isOpen ? { queue: queue.name } : {}) };
  }
}
