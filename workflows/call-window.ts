/** Runs tasks in the order in which they were added, at most `width` at a time. A task must not reject. */
export class CallWindow {
  readonly #width: number;
  readonly #waiting: (() => Promise<void>)[] = [];
  #running = 0;

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

  #fill(): void {
    while (this.#running < this.#width) {
      const task = this.#waiting.shift();
      if (task === undefined) return;
      this.#running++;
      void task().finally(() => {
        this.#running--;
        this.#fill();
      });
    }
  }
}
