import { afterEach, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { FailureType, type RunCellInput } from '../../protocol/index.ts';
import { textRefOf } from '../../store/index.ts';
import type { Script } from './fake-world.ts';
import { open, world } from './opened-world.ts';
import { JOURNAL } from './waiting-cell.ts';
import { oneRound, ready, waiting } from './waiting-run.ts';

// Scope: how a run makes and delivers the calls and sub-runs of a cell. Rooms are scripted; server, worker and client are real.

afterEach(() => world.close());

function deliveries(cells: readonly RunCellInput[]): unknown[] {
  return cells.map(({ delivery }) => delivery?.recorded ?? null);
}

describe('a round of calls', () => {
  test('is made by activities in parallel and delivered together', async () => {
    let running = 0;
    let most = 0;
    const { run, cells } = await open({
      ...oneRound(10),
      answer: async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 300));
        running--;
      },
    });
    const { result } = await run({ concurrency: 4 });
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(4);
    expect(deliveries(cells)).toEqual([null, [[1, 10]]]);
    expect(result.spend.calls).toBe(10);
  });

  test('does not wait for the last tenth: a late answer makes a delivery of its own', async () => {
    const held = Promise.withResolvers<void>();
    const { run, cells } = await open({
      reply: () => ['ask()'],
      cell: ({ delivery }) => {
        if (delivery === null) return waiting(1, 10);
        if (delivery.recorded.some(([from, to]) => from <= 4 && 4 <= to)) return ready(world.store);
        held.resolve();
        return waiting(11, 0);
      },
      answer: ({ call }) => (call === 4 ? held.promise : undefined),
    });
    await run();
    expect(deliveries(cells)).toEqual([
      null,
      [
        [1, 3],
        [5, 10],
      ],
      [[4, 4]],
    ]);
  });

  test('is delivered whole under a fixed clock, so that the run repeats exactly', async () => {
    const { run, cells } = await open({
      ...oneRound(10),
      answer: ({ call }) =>
        call === 4 ? new Promise((resolve) => setTimeout(resolve, 3000)) : undefined,
    });
    await run({ clock: { startMs: 1000, stepMs: 10 } });
    expect(deliveries(cells)).toEqual([null, [[1, 10]]]);
    expect(cells.map(({ clockMs, delivery }) => delivery?.clockMs ?? clockMs)).toEqual([
      1020, 1030,
    ]);
  });

  test('a call that fails for good is a failed result in its slot, not the end of the run', async () => {
    const { run, cells } = await open({
      ...oneRound(3),
      answer: ({ call }) => {
        if (call !== 2) return;
        throw ApplicationFailure.nonRetryable('Too long.', FailureType.modelRejected);
      },
    });
    const { result } = await run();
    expect(result.reason).toBe('answered');
    expect(cells[1]?.delivery).toMatchObject({
      recorded: [
        [1, 1],
        [3, 3],
      ],
      failed: [{ calls: [[2, 2]], type: 'Model.Rejected', message: 'Too long.' }],
    });
  });

  test('never exceeds the budget of calls, however parallel', async () => {
    let asked = 0;
    const { run, cells } = await open({ ...oneRound(10), answer: () => void asked++ });
    await run({ budget: { calls: 4 } });
    expect(asked).toBe(4);
    expect(cells[1]?.delivery?.failed).toEqual([
      {
        calls: [[5, 10]],
        type: 'Budget.Exhausted',
        message: 'Not asked: all 4 sub-calls are used.',
      },
    ]);
  });
});

describe('a sub-run', () => {
  const context = { format: 'text' as const, blob: JOURNAL, sizeBytes: 5 };
  const prompt = textRefOf('Summarise this.');
  function asksForSubRun(): Script {
    return {
      reply: () => ['go()'],
      cell: ({ key, journal }) => {
        if (key.workflowId.includes('/')) return ready(world.store, 'From the child.');
        if (journal !== null) return ready(world.store);
        const subRuns = [{ call: 1, prompt, context, model: null }];
        return { ...waiting(1, 1), subRuns };
      },
    };
  }

  test('is a child workflow whose answer comes back by digest, its spend counted', async () => {
    const { run, cells, turns } = await open(asksForSubRun());
    const { result, workflowId } = await run();
    const child = cells[1];
    // Without the suffix of its id: a reset run finds what its sub-run paid for.
    expect(child?.key.workflowId).toBe(`${workflowId}/1.1.1`);
    expect(turns[1]).toMatchObject({ question: prompt, depth: 1 });
    expect(cells[2]?.delivery?.recorded).toEqual([[1, 1]]);
    // The sub-run itself is the only call; its turn costs 0.01, as the parent's.
    expect(result.spend.calls).toBe(1);
    expect(result.spend.usage.costUsd).toBeCloseTo(0.02);
  });

  test('at the depth limit becomes a sub-call', async () => {
    const { run, cells } = await open(asksForSubRun());
    await run({ maxDepth: 0 });
    expect(cells).toHaveLength(2);
    expect(cells[1]?.delivery?.recorded).toEqual([[1, 1]]);
  });
});
