/** A piece of work. `together`: how many, itself included, could start with it. It must not reject. */
export type WindowTask = (together: number) => Promise<void>;

/** Runs tasks in the order in which they were added, as many at a time as its seats hold. */
export class CallWindow {
  readonly #width: number;
  readonly #waiting: { task: WindowTask; seats: number }[] = [];
  readonly #running = new Set<Promise<void>>();
  #taken = 0;

  constructor(width: number) {
    this.#width = width;
  }

  /** Starts nothing yet. `seats`: of the window, while it runs; more than there are means all. */
  add(task: WindowTask, seats = 1): void {
    this.#waiting.push({ task, seats: Math.min(seats, this.#width) });
  }

  /** Starts what was added, so that those that start together know how many they are. */
  start(): void {
    this.#fill();
  }

  /** Forgets tasks that have not started. */
  clear(): void {
    this.#waiting.length = 0;
  }

  /** Resolves when nothing runs and nothing waits. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #fill(): void {
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined || this.#taken + next.seats > this.#width) return;
      const { task, seats } = next;
      const free = Math.floor((this.#width - this.#taken) / seats);
      const together = Math.max(1, Math.min(free, this.#waiting.length));
      this.#waiting.shift();
      this.#taken += seats;
      const running = task(together).finally(() => {
        this.#running.delete(running);
        this.#taken -= seats;
        this.#fill();
      });
      this.#running.add(running);
    }
  }
}
