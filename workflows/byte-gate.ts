import { condition } from '@temporalio/workflow';

/**
 * Lets so many bytes pass at a time. What a workflow task schedules leaves it in one message, and one that is too large
 * is not an error but an endless retry of the task: so large arguments and results of many calls wait for one another.
 */
export class ByteGate {
  readonly #room: number;
  #used = 0;

  constructor(room: number) {
    this.#room = room;
  }

  /** Runs `work` when there is room for its bytes; they are free again when it has ended. More than the whole room passes alone. */
  async pass<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const hasRoom = (): boolean => this.#used === 0 || this.#used + bytes <= this.#room;
    // All that wait are woken together: who comes later finds the room taken and waits on.
    while (!hasRoom()) await condition(hasRoom);
    this.#used += bytes;
    try {
      return await work();
    } finally {
      this.#used -= bytes;
    }
  }
}
