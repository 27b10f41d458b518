/** Runs tasks in the order in which they were added, at most `width` at a time. A task must not reject. */
export class CallWindow {
  readonly #width: number;
  readonly #waiting: (() => Promise<void>)[] = [];
  readonly #running = new Set<Promise<void>>();

  constructor(width: number) {
    this.#width = width;
  }

  add(task: () => Promise<void>): void {
    this.#waiting.push(task);
    this.#fill();
  }

  /** Forgets tasks that have not started. */
  clear(): void {
    this.#waiting.length = 0;
  }

  /** Resolves when all tasks that have started have ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
  }

  #fill(): void {
    while (this.#running.size < this.#width) {
      const task = this.#waiting.shift();
      if (task === undefined) return;
      const running = task().finally(() => {
        this.#running.delete(running);
        this.#fill();
      });
      this.#running.add(running);
    }
  }
}
