import type { CallRanges, Delivery, Digest, Usage } from '../protocol/index.ts';

/** Different failures that a delivery tells in full. */
const FAILURE_GROUPS = 50;

/** What came of one call. `recorded`: its answer is a record in the store. */
export type Arrival =
  | { kind: 'recorded' }
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

  add(call: number): void {
    this.#fresh.add(call);
  }

  arrive(call: number, arrival: Arrival): void {
    if (this.#fresh.has(call) || this.#late.has(call)) this.#arrived.set(call, arrival);
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
    return this.#freshArrived() === this.#fresh.size;
  }

  /** At least 90 % of the fresh calls are in: the rest may be left out after a grace. */
  get nearlyComplete(): boolean {
    if (this.complete) return true;
    // Late calls alone are waited for: an empty delivery would only move the clock.
    return this.#fresh.size > 0 && this.#freshArrived() >= 0.9 * this.#fresh.size;
  }

  /** Hands over what arrived; calls left out become late. */
  deliver(clockMs: number): Delivery {
    const arrived = [...this.#arrived].toSorted(([a], [b]) => a - b);
    const recorded: number[] = [];
    const failed = new Map<string, { calls: number[]; type: string; message: string }>();
    const subRuns: Delivery['subRuns'] = [];
    for (const [call, arrival] of arrived) {
      this.#fresh.delete(call);
      this.#late.delete(call);
      if (arrival.kind === 'recorded') recorded.push(call);
      else if (arrival.kind === 'subRun') {
        const { text, model, usage } = arrival;
        subRuns.push({ call, text, model, usage });
      } else {
        const { type, message } = failureGroup(arrival, failed.size);
        const key = `${type}\n${message}`;
        const group = failed.get(key) ?? { calls: [], type, message };
        group.calls.push(call);
        failed.set(key, group);
      }
    }
    this.#arrived.clear();
    for (const call of this.#fresh) this.#late.add(call);
    this.#fresh.clear();
    return {
      clockMs,
      recorded: toRanges(recorded),
      failed: [...failed.values()].map((group) => ({ ...group, calls: toRanges(group.calls) })),
      subRuns,
    };
  }

  #freshArrived(): number {
    let count = 0;
    for (const call of this.#fresh) if (this.#arrived.has(call)) count++;
    return count;
  }
}

/** Providers put a request's own id into their messages: many different ones are told by type alone, or a delivery would outgrow a payload. */
function failureGroup(
  { type, message }: { type: string; message: string },
  groups: number,
): { type: string; message: string } {
  return groups < FAILURE_GROUPS ? { type, message } : { type, message: `${type}, as others.` };
}

/** Ascending numbers as inclusive ranges: `[1, 2, 3, 7]` is `[[1, 3], [7, 7]]`. */
export function toRanges(ascending: readonly number[]): CallRanges {
  const ranges: CallRanges = [];
  for (const n of ascending) {
    const last = ranges.at(-1);
    if (last !== undefined && n === last[1] + 1) last[1] = n;
    else ranges.push([n, n]);
  }
  return ranges;
}
