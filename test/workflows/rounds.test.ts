import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { NO_USAGE, numbersOf, toRanges } from '../../protocol/index.ts';
import { type Arrival, PendingCalls } from '../../workflows/rounds.ts';

const RECORDED: Arrival = { kind: 'recorded' };

function pendingOf(...calls: number[]): PendingCalls {
  const pending = new PendingCalls();
  for (const call of calls) pending.add(call);
  return pending;
}

function withOneLate(): PendingCalls {
  const pending = pendingOf(1, 2);
  pending.arrive(1, RECORDED);
  pending.deliver(0);
  return pending;
}

describe('a round', () => {
  test('is complete when all its calls are in, and not before', () => {
    const pending = pendingOf(1, 2);
    expect(pending.complete).toBe(false);
    pending.arrive(2, RECORDED);
    expect(pending.complete).toBe(false);
    pending.arrive(1, RECORDED);
    expect(pending.complete).toBe(true);
  });

  test('is nearly complete at nine of ten', () => {
    const pending = pendingOf(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    for (let call = 1; call <= 8; call++) pending.arrive(call, RECORDED);
    expect(pending.nearlyComplete).toBe(false);
    pending.arrive(9, RECORDED);
    expect([pending.nearlyComplete, pending.complete]).toEqual([true, false]);
  });

  test('tells its notes in call order, once, when their calls are delivered', () => {
    const pending = pendingOf(1, 2, 3);
    pending.arrive(3, { kind: 'recorded', note: 'third' });
    pending.arrive(1, { kind: 'recorded', note: 'first' });
    expect(pending.takeNotes()).toEqual([]);
    pending.arrive(2, RECORDED);
    pending.deliver(0);
    expect(pending.takeNotes()).toEqual(['first', 'third']);
    expect(pending.takeNotes()).toEqual([]);
  });

  test('delivers in call order whatever the order of arrival', () => {
    const pending = pendingOf(1, 2, 3, 5);
    for (const call of [5, 2, 1, 3]) pending.arrive(call, RECORDED);
    expect(pending.deliver(7)).toEqual({
      clockMs: 7,
      recorded: [
        [1, 3],
        [5, 5],
      ],
      failed: [],
      subRuns: [],
    });
    expect(pending.total).toBe(0);
  });

  test('groups failures by type and message, so that 500 equal ones are one entry', () => {
    const pending = new PendingCalls();
    for (let call = 1; call <= 500; call++) {
      pending.add(call);
      pending.arrive(call, { kind: 'failed', type: 'Model.Unavailable', message: 'no model' });
    }
    expect(pending.deliver(0).failed).toEqual([
      { calls: [[1, 500]], type: 'Model.Unavailable', message: 'no model' },
    ]);
  });

  test('hands a sub-run over by the digest of its answer', () => {
    const pending = pendingOf(4);
    const text = `sha256:${'a'.repeat(64)}`;
    pending.arrive(4, { kind: 'subRun', text, model: 'm', usage: NO_USAGE });
    expect(pending.deliver(0).subRuns).toEqual([{ call: 4, text, model: 'm', usage: NO_USAGE }]);
  });
});

describe('a round whose answers came in pieces', () => {
  test('is delivered in parts that fit into a payload', () => {
    const pending = new PendingCalls();
    for (let call = 1; call <= 10_000; call++) {
      pending.add(call);
      const isFailed = call % 2 === 0;
      pending.arrive(
        call,
        isFailed ? { kind: 'failed', type: 'Model.Timeout', message: 'late' } : RECORDED,
      );
    }
    const delivered = new Set<number>();
    let parts = 0;
    while (pending.total > 0) {
      expect(pending.complete).toBe(true);
      const delivery = pending.deliver(0);
      expect(JSON.stringify(delivery).length).toBeLessThan(32 * 1024);
      for (const call of numbersOf(delivery.recorded)) delivered.add(call);
      for (const { calls } of delivery.failed) {
        for (const call of numbersOf(calls)) delivered.add(call);
      }
      parts++;
    }
    expect([delivered.size, parts]).toEqual([10_000, 7]);
  });

  test('is settled when late calls are in too, and not when only the fresh ones are', () => {
    const pending = withOneLate();
    pending.add(3);
    pending.arrive(3, RECORDED);
    expect([pending.complete, pending.settled]).toEqual([true, false]);
    pending.arrive(2, RECORDED);
    expect(pending.settled).toBe(true);
  });
});

describe('a call left out of a delivery', () => {
  test('alone makes the next delivery as soon as it is in', () => {
    const pending = withOneLate();
    expect([pending.total, pending.complete]).toEqual([1, false]);
    pending.arrive(2, RECORDED);
    expect(pending.complete).toBe(true);
    expect(pending.deliver(0).recorded).toEqual([[2, 2]]);
  });

  test('does not hold back a later round, and rides along when it is in', () => {
    const pending = withOneLate();
    pending.add(3);
    pending.arrive(3, RECORDED);
    expect(pending.complete).toBe(true);
    pending.arrive(2, RECORDED);
    expect(pending.deliver(0).recorded).toEqual([[2, 3]]);
  });

  test('is ignored when it arrives a second time', () => {
    const pending = withOneLate();
    pending.arrive(1, RECORDED);
    expect(pending.arrivedCount).toBe(0);
  });
});

test('ranges name exactly the numbers they were made of', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 200 })), (numbers) => {
      const ascending = numbers.toSorted((a, b) => a - b);
      const ranges = toRanges(ascending);
      const back = ranges.flatMap(([from, to]) =>
        Array.from({ length: to - from + 1 }, (_, i) => from + i),
      );
      expect(back).toEqual(ascending);
      // Maximal: neighbouring ranges do not touch.
      for (const [i, [from]] of ranges.entries()) {
        if (i > 0) expect(from).toBeGreaterThan((ranges[i - 1]?.[1] ?? 0) + 1);
      }
    }),
  );
});
