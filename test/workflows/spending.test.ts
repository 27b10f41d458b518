import { afterEach, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { FailureType } from '../../protocol/index.ts';
import { putText } from '../../store/index.ts';
import { open, world } from './opened-world.ts';
import { ready, waiting } from './spending-run.ts';
import { finished } from './states.ts';

// Scope: what a run's budget allows its turns, cells and sub-calls, and what its spend says of them. Rooms are scripted.

afterEach(() => world.close());

describe('sub-calls of one cell', () => {
  test('never cost more than the budget together, also when each takes all that it may', async () => {
    const costs: number[] = [];
    const { run, cells } = await open({
      reply: () => ['ask()'],
      cell: ({ delivery }) => (delivery === null ? waiting(100) : ready()),
      answer: ({ allowance }) => {
        costs.push(allowance?.costUsd ?? 1);
        return allowance?.costUsd;
      },
    });
    const { result } = await run({ budget: { costUsd: 0.5 }, concurrency: 10 });
    // Sums of dollars drift in their last digits.
    expect(result.spend.usage.costUsd).toBeLessThanOrEqual(0.5 + 1e-9);
    expect(costs.length).toBeGreaterThanOrEqual(10);
    expect(cells[1]?.delivery?.failed.every(({ type }) => type === 'Budget.Exhausted')).toBe(true);
    expect(result.reason).toBe('answered');
  });

  test('are each billed with their own usage', async () => {
    const { run } = await open({
      reply: () => ['ask()'],
      cell: ({ delivery }) => (delivery === null ? waiting(4) : ready()),
      answer: ({ call }) => call / 100,
    });
    const { result } = await run();
    expect(result.spend.usage.costUsd).toBeCloseTo(0.01 + 0.01 + 0.02 + 0.03 + 0.04);
  });

  test('that need more than their share are asked once others have ended', async () => {
    let refusals = 0;
    const { run, cells } = await open({
      reply: () => ['ask()'],
      cell: ({ delivery }) => (delivery === null ? waiting(8) : ready()),
      answer: ({ allowance }) => {
        if ((allowance?.costUsd ?? 1) >= 0.3) return 0.001;
        refusals++;
        throw ApplicationFailure.create({
          message: 'It takes more.',
          type: FailureType.budgetExhausted,
          nonRetryable: true,
          details: [{ costUsd: 0.3, tokens: 100 }],
        });
      },
    });
    const { result } = await run();
    expect(refusals).toBe(8);
    expect(cells[1]?.delivery).toMatchObject({ recorded: [[1, 8]], failed: [] });
    expect(result.spend.calls).toBe(8);
  });

  test('that need more than there is are told so, and cost nothing', async () => {
    const { run, cells } = await open({
      reply: () => ['ask()'],
      cell: ({ delivery }) => (delivery === null ? waiting(2) : ready()),
      answer: () => {
        throw ApplicationFailure.create({
          message: 'It takes more.',
          type: FailureType.budgetExhausted,
          nonRetryable: true,
          details: [{ costUsd: 3, tokens: 100 }],
        });
      },
    });
    const { result } = await run();
    expect(cells[1]?.delivery?.failed).toEqual([
      {
        calls: [[1, 2]],
        type: 'Budget.Exhausted',
        message: 'Not asked: it may cost $3.0000, and $0.9900 of $1.00 is left.',
      },
    ]);
    expect(result.spend.calls).toBe(0);
  });
});

describe('a root model', () => {
  test('whose next turn the budget does not pay for ends the run with its best draft', async () => {
    const { run } = await open({
      reply: ({ turn }) => {
        if (turn === 1) return ['draft'];
        throw ApplicationFailure.create({
          message: 'It takes more.',
          type: FailureType.budgetExhausted,
          nonRetryable: true,
          details: [{ costUsd: 3, tokens: 100 }],
        });
      },
      cell: async () =>
        finished({ answer: { content: await putText(world.store, 'So far.'), ready: false } }),
    });
    const { answer, result } = await run();
    expect([answer, result.reason, result.spend.turns]).toEqual(['So far.', 'budget', 1]);
  });
});

test('compute of all cells is limited: the last one gets what is left, and then the run ends', async () => {
  const { run, cells } = await open({
    reply: () => ['work()'],
    cell: () => finished({ computeMs: 400 }),
  });
  const { result } = await run({ budget: { computeMs: 1000 } });
  expect(cells.map(({ limits }) => limits.computeMs)).toEqual([999, 599, 199]);
  expect(result.reason).toBe('budget');
});
