interface Waiting {
  mib: number;
  enter: () => void;
}

/**
 * Memory that is set aside for steps, in MiB.
 *
 * G1  What is set aside together is within the limit, or one step's alone: a step larger than the limit runs by itself.
 * G2  First come, first served: a large step is not overtaken for ever by small ones.
 */
export class MemoryGate {
  readonly #limitMiB: number;
  readonly #waiting: Waiting[] = [];
  #takenMiB = 0;
  #inside = 0;

  constructor(limitMiB: number) {
    this.#limitMiB = limitMiB;
  }

  get takenMiB(): number {
    return this.#takenMiB;
  }

  get isCrowded(): boolean {
    return this.#waiting.length > 0;
  }

  /** Resolves when there is room, with what gives it back; call that once. Rejects with the signal's reason. */
  async enter(mib: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { mib, enter: resolve };
    const leave = (): void => {
      const at = this.#waiting.indexOf(waiting);
      if (at === -1) return;
      this.#waiting.splice(at, 1);
      // It may have been the one that held the others back.
      this.#admit();
      reject(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#waiting.push(waiting);
    this.#admit();
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
    return () => {
      this.#takenMiB -= mib;
      this.#inside -= 1;
      this.#admit();
    };
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#inside > 0 && this.#takenMiB + next.mib > this.#limitMiB) return;
      this.#waiting.shift();
      this.#takenMiB += next.mib;
      this.#inside += 1;
      next.enter();
    }
  }
}
