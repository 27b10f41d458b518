import { afterEach, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import {
  type CellOutcome,
  FailureType,
  RunBranch,
  type WaitingCell,
} from '../../protocol/index.ts';
import { putText } from '../../store/index.ts';
import { openWorld, type Script, type World } from './fake-world.ts';
import { waiting } from './waiting-cell.ts';
import { finished } from './states.ts';

// Scope: rounds of more calls than one history should hold. Rooms are scripted; server, worker and client are real.

const CALLS = 600;
let world: World;
afterEach(() => world.close());

async function open(script: Partial<Script>): Promise<World> {
  world = await openWorld({ reply: () => ['ask()'], cell: wideRound, ...script });
  return world;
}

async function wideRound({ delivery }: { delivery: unknown }): Promise<CellOutcome> {
  if (delivery === null) return wide();
  return finished({ answer: { content: await putText(world.store, 'Done.'), ready: true } });
}

function wide(changes: Partial<WaitingCell> = {}): WaitingCell {
  return waiting({ callCount: CALLS, ...changes });
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function eventsOf(workflowId: string): Promise<number> {
  const { historyLength } = await world.client.temporal.workflow.getHandle(workflowId).describe();
  return historyLength;
}

/** Ids of the batches that a run has started, from its history. */
async function batchesOf(workflowId: string): Promise<string[]> {
  const { events } = await world.client.temporal.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap(
    ({ startChildWorkflowExecutionInitiatedEventAttributes: started }) =>
      started?.workflowType?.name === 'callBatch' ? [started.workflowId ?? ''] : [],
  );
}

describe('a round of 600 calls', () => {
  test('is answered by batches within the window of the run, and stays out of its history', async () => {
    let running = 0;
    let most = 0;
    const asked: number[] = [];
    const { run, cells } = await open({
      answer: async ({ call }) => {
        asked.push(call);
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running--;
      },
    });
    const { result, workflowId } = await run({ concurrency: 40 });
    expect(asked.toSorted((a, b) => a - b)).toEqual(Array.from({ length: CALLS }, (_, i) => i + 1));
    expect(most).toBeLessThanOrEqual(40);
    expect(cells[1]?.delivery).toMatchObject({ recorded: [[1, CALLS]], failed: [] });
    expect(result.spend.calls).toBe(CALLS);
    expect(result.spend.usage.costUsd).toBeCloseTo(0.01 + CALLS * 0.001);
    expect(await batchesOf(workflowId)).toHaveLength(3);
    expect(await eventsOf(workflowId)).toBeLessThan(120);
  });

  test('fails the calls that fail, each in its slot, and no other', async () => {
    const { run, cells } = await open({
      answer: ({ call }) => {
        if (call % 200 !== 7) return;
        throw ApplicationFailure.nonRetryable('Too long.', FailureType.modelRejected);
      },
    });
    const { result } = await run();
    expect(result.reason).toBe('answered');
    expect(cells[1]?.delivery?.failed).toEqual([
      {
        calls: [
          [7, 7],
          [207, 207],
          [407, 407],
        ],
        type: 'Model.Rejected',
        message: 'Too long.',
      },
    ]);
  });

  test('asks no more calls than the budget has, and says so of the rest', async () => {
    let asked = 0;
    const { run, cells } = await open({ answer: () => void asked++ });
    const { result } = await run({ budget: { calls: 550 } });
    expect([asked, result.spend.calls]).toEqual([550, 550]);
    const [refused, ...others] = cells[1]?.delivery?.failed ?? [];
    expect(refused).toMatchObject({
      type: 'Budget.Exhausted',
      message: 'Not asked: all 550 sub-calls are used.',
    });
    expect(others).toEqual([]);
    const count = (refused?.calls ?? []).reduce((sum, [from, to]) => sum + to - from + 1, 0);
    expect(count).toBe(50);
  });

  test('spends no more than there is, although every call takes all that it may', async () => {
    const { run } = await open({ answer: ({ allowance }) => (allowance?.costUsd ?? 1) / 2 });
    const { result } = await run({ budget: { costUsd: 0.5 } });
    expect(result.spend.usage.costUsd).toBeLessThanOrEqual(0.5 + 1e-9);
    expect(result.reason).toBe('answered');
  });

  test('loses and doubles nothing when a batch is ended from outside', async () => {
    const held = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    let isHeld = true;
    const { client, cells } = await open({
      answer: async ({ call }) => {
        if (call !== 3 || !isHeld) return;
        isHeld = false;
        started.resolve();
        await held.promise;
      },
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await started.promise;
    const [first] = await batchesOf(workflowId);
    await client.temporal.workflow.getHandle(first ?? '').terminate('by a person');
    const { result } = await client.result(workflowId);
    held.resolve();
    expect(cells[1]?.delivery).toMatchObject({ recorded: [[1, CALLS]], failed: [] });
    expect(result.spend.calls).toBe(CALLS);
    expect(result.spend.usage.costUsd).toBeCloseTo(0.01 + CALLS * 0.001);
  });

  test('hands over what is there while one slow call holds the rest', async () => {
    const slow = Promise.withResolvers<void>();
    const { run, cells } = await open({
      cell: (input) => {
        if (input.delivery === null) return wide();
        const [first] = input.delivery.recorded;
        // The cell still waits for that one.
        if (cells.length === 2) return wide({ firstCall: CALLS + 1, callCount: 0 });
        expect(first).toEqual([3, 3]);
        return wideRound(input);
      },
      answer: async ({ call }) => {
        if (call === 3) await slow.promise;
      },
    });
    const running = run();
    await until(() => cells.length >= 2);
    const early = cells[1]?.delivery?.recorded ?? [];
    const count = early.reduce((sum, [from, to]) => sum + to - from + 1, 0);
    expect(count).toBe(CALLS - 1);
    slow.resolve();
    const { result } = await running;
    expect([result.reason, result.spend.calls]).toEqual(['answered', CALLS]);
  }, 60_000);

  test('is held while its run is paused, and says of which batches it consists', async () => {
    const many = Promise.withResolvers<void>();
    let asked = 0;
    const { client } = await open({
      answer: async () => {
        if (++asked === 100) many.resolve();
        await new Promise((resolve) => setTimeout(resolve, asked < 100 ? 1 : 20));
      },
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text', concurrency: 30 });
    await many.promise;
    await client.steering.pause(workflowId);
    // What was under way ends.
    const settled = async (): Promise<number> => {
      for (let before = -1; before !== asked;) {
        before = asked;
        await new Promise((resolve) => setTimeout(resolve, 700));
      }
      return asked;
    };
    const held = await settled();
    expect(held).toBeLessThan(CALLS);
    const branch = RunBranch.parse(
      await client.temporal.workflow.getHandle(workflowId).query('getTree'),
    );
    expect(branch).toMatchObject({ workflowId, depth: 0, phase: 'calling', turn: 1 });
    expect(branch.children.map(({ kind, granted }) => [kind, granted.calls])).toEqual([
      ['batch', 200],
      ['batch', 200],
      ['batch', 200],
    ]);
    await client.steering.resume(workflowId);
    expect((await client.result(workflowId)).result.spend.calls).toBe(CALLS);
  }, 60_000);

  test('counts what was asked when its run is cancelled', async () => {
    const many = Promise.withResolvers<void>();
    let asked = 0;
    const { client } = await open({
      answer: async () => {
        if (++asked === 300) many.resolve();
        if (asked >= 300) await new Promise((resolve) => setTimeout(resolve, 1500));
      },
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await many.promise;
    await client.cancel(workflowId);
    await expect(client.result(workflowId)).rejects.toThrow(`Run ${workflowId} was cancelled.`);
    const progress = await client.progress(workflowId);
    // Of those under way nobody knows what they cost; they count as calls.
    expect(progress?.spend.calls).toBeGreaterThanOrEqual(299);
    expect(progress?.spend.calls).toBeLessThan(CALLS);
  });
});

test('equal prompts of a round are asked after the first of them when the run asks each once', async () => {
  const order: number[] = [];
  const { run, turns } = await open({
    cell: async (input) =>
      input.key.cell === '1.1' && input.delivery === null
        ? wide({
            callCount: 6,
            repeats: [
              [2, 2],
              [4, 6],
            ],
            repeatCount: 4,
          })
        : finished({
            answer: {
              content: await putText(world.store, 'Done.'),
              ready: input.key.cell === '2.1',
            },
          }),
    answer: async ({ call }) => {
      if (call === 1) await new Promise((resolve) => setTimeout(resolve, 200));
      order.push(call);
    },
  });
  await run({ cache: 'run' });
  expect(order.slice(0, 2)).toEqual([3, 1]);
  expect(order.slice(2).toSorted((a, b) => a - b)).toEqual([2, 4, 5, 6]);
  expect(turns[1]?.observation?.notes).toEqual([
    'Of the 6 calls that cell 1.1 made at once only 2 prompts are different; each was asked once, and its answer given to all that are equal.',
  ]);
});
