import { type Delivery, type Digest, type Usage, Ranges } from '../protocol/index.ts';

/** Different failures that a delivery tells in full. */
const FAILURE_GROUPS = 50;
/** Ranges that a delivery names calls by: with more of them it would outgrow a payload, and the rest makes a delivery of its own. */
const DELIVERED_RANGES = 1500;

/** What came of one call. `recorded`: its answer is a record in the store; `note`: what the root model must know of it. */
export type Arrival =
  | { kind: 'recorded'; note?: string }
  | { kind: 'failed'; type: string; message: string }
  | { kind: 'subRun'; text: Digest; model: string; usage: Usage };

/**
 * The calls that a cell waits for. A call is *fresh* until a delivery leaves it out; then it is *late*.
 * Pure bookkeeping: it starts nothing and reads no clock.
 */
export class PendingCalls {
  readonly #fresh = new Set<number>();
  readonly #late = new Set<number>();
  readonly #arrived = new Map<number, Arrival>();
  /** Counted as they come: thousands of arrivals each ask whether the round is complete. */
  #freshArrived = 0;
  #notes: string[] = [];

  add(call: number): void {
    this.#fresh.add(call);
  }

  arrive(call: number, arrival: Arrival): void {
    if (this.#arrived.has(call)) return;
    if (this.#fresh.has(call)) this.#freshArrived++;
    else if (!this.#late.has(call)) return;
    this.#arrived.set(call, arrival);
  }

  get total(): number {
    return this.#fresh.size + this.#late.size;
  }

  get arrivedCount(): number {
    return this.#arrived.size;
  }

  /** All fresh calls are in; or only late ones are left and one of them is in. */
  get complete(): boolean {
    if (this.#fresh.size === 0) return this.#arrived.size > 0;
    return this.#freshArrived === this.#fresh.size;
  }

  /** At least 90 % of the fresh calls are in: the rest may be left out after a grace. */
  get nearlyComplete(): boolean {
    if (this.complete) return true;
    // Late calls alone are waited for: an empty delivery would only move the clock.
    return this.#fresh.size > 0 && this.#freshArrived >= 0.9 * this.#fresh.size;
  }

  /** Nothing is under way any more, late calls included. */
  get settled(): boolean {
    return this.#arrived.size === this.total;
  }

  /** Hands over what arrived; calls left out become late. */
  deliver(clockMs: number): Delivery {
    const arrived = [...this.#arrived].toSorted(([a], [b]) => a - b);
    const recorded = new Ranges();
    const failed = new FailureGroups();
    const subRuns: Delivery['subRuns'] = [];
    for (const [call, arrival] of arrived) {
      if (recorded.list.length + failed.ranges >= DELIVERED_RANGES) break;
      this.#fresh.delete(call);
      this.#late.delete(call);
      this.#arrived.delete(call);
      if (arrival.kind === 'recorded') {
        recorded.add(call);
        if (arrival.note !== undefined) this.#notes.push(arrival.note);
      } else if (arrival.kind === 'failed') failed.add(call, arrival);
      else {
        const { text, model, usage } = arrival;
        subRuns.push({ call, text, model, usage });
      }
    }
    for (const call of this.#fresh) this.#late.add(call);
    this.#fresh.clear();
    this.#freshArrived = 0;
    return { clockMs, recorded: recorded.list, failed: failed.list, subRuns };
  }

  /** Notes of the calls that were delivered, in their order and not in that of their ends: the next prompt follows from them. */
  takeNotes(): string[] {
    const notes = this.#notes;
    this.#notes = [];
    return notes;
  }
}

/** Failed calls by reason. Providers put a request's own id into their messages: many different ones are told by type alone. */
export class FailureGroups {
  readonly #groups = new Map<string, { calls: Ranges; type: string; message: string }>();

  /** Calls are added in ascending order. */
  add(call: number, failure: { type: string; message: string }): void {
    const { type } = failure;
    const isNew = !this.#groups.has(`${type}\n${failure.message}`);
    const message =
      isNew && this.#groups.size >= FAILURE_GROUPS ? `${type}, as others.` : failure.message;
    const key = `${type}\n${message}`;
    const group = this.#groups.get(key) ?? { calls: new Ranges(), type, message };
    group.calls.add(call);
    this.#groups.set(key, group);
  }

  get ranges(): number {
    let count = 0;
    for (const { calls } of this.#groups.values()) count += calls.list.length;
    return count;
  }

  get list(): Delivery['failed'] {
    return [...this.#groups.values()].map((group) => ({ ...group, calls: group.calls.list }));
  }
}
