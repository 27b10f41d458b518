import { afterEach, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { RunCancelled, RunFailed } from '../../client/index.ts';
import {
  type CellOutcome,
  FailureType,
  type RunSpec,
  type SubRunCall,
  type WaitingCell,
} from '../../protocol/index.ts';
import { putText, textRefOf } from '../../store/index.ts';
import { openWorld, type Script, type World } from './fake-world.ts';
import { waiting as waitingCell } from './waiting-cell.ts';
import { finished, rolledBack } from './states.ts';

// Scope: what is not lost, doubled or hidden when things fail. Rooms are scripted; server, worker and client are real.

let world: World;
afterEach(() => world.close());

async function open(script: Script): Promise<World> {
  world = await openWorld(script);
  return world;
}

function waiting(firstCall: number, callCount: number, subRuns: SubRunCall[] = []): WaitingCell {
  return waitingCell({ firstCall, callCount, subRuns });
}

function subRunsOf(count: number): SubRunCall[] {
  return Array.from({ length: count }, (_, i) => ({
    call: i + 1,
    prompt: textRefOf(`part ${i}`),
    context: null,
    model: null,
  }));
}

async function ready(text = 'The answer.'): Promise<CellOutcome> {
  return finished({ answer: { content: await putText(world.store, text), ready: true } });
}

function sealFails(): never {
  throw ApplicationFailure.nonRetryable('blob is missing', FailureType.blobMissing);
}

describe('the audit copy', () => {
  test('that cannot be written does not cost an answer that was paid for', async () => {
    const { run } = await open({ reply: () => ['a'], cell: () => ready(), seal: sealFails });
    const { answer, result } = await run();
    expect([answer, result.reason, result.trail]).toEqual(['The answer.', 'answered', null]);
  });

  test('that cannot be written does not hide a cancellation', async () => {
    const called = Promise.withResolvers<void>();
    const { client } = await open({
      reply: () => ['ask()'],
      cell: () => waiting(1, 1),
      answer: () => {
        called.resolve();
        return new Promise((resolve) => setTimeout(resolve, 500));
      },
      seal: sealFails,
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await called.promise;
    await client.cancel(workflowId);
    await expect(client.result(workflowId)).rejects.toBeInstanceOf(RunCancelled);
  });
});

describe('twenty sub-runs at once', () => {
  test('are granted no more together than is left, run on the sub-model, and count what they paid when they fail', async () => {
    const specs: RunSpec[] = [];
    const { run } = await open({
      resolve: (spec) => void specs.push(spec),
      reply: async ({ workflowId, turn }) => {
        if (workflowId.includes('/') && turn === 2) {
          throw ApplicationFailure.nonRetryable('No.', FailureType.modelRejected);
        }
        return ['go()'];
      },
      cell: ({ key, journal }) => {
        if (key.workflowId.includes('/')) return finished();
        return journal === null ? waiting(1, 20, subRunsOf(20)) : ready();
      },
    });
    const budget = { costUsd: 1, calls: 1000, tokens: 100_000, wallClockMs: 120_000 };
    const { result } = await run({ budget });
    const children = specs.slice(1);
    expect(children).toHaveLength(20);
    const granted = (what: 'costUsd' | 'calls' | 'tokens'): number =>
      children.reduce((sum, child) => sum + (child.budget[what] ?? 0), 0);
    expect(granted('costUsd')).toBeLessThanOrEqual(1);
    expect(granted('calls')).toBeLessThanOrEqual(1000);
    expect(granted('tokens')).toBeLessThanOrEqual(100_000);
    expect(new Set(children.map(({ model }) => model))).toEqual(new Set(['sub-model']));
    for (const child of children) expect(child.budget.wallClockMs).toBeLessThanOrEqual(120_000);
    // The parent's own turn, and one that each child paid before it failed.
    expect(result.spend.usage.costUsd).toBeCloseTo(0.21);
    expect(result.spend.calls).toBe(20);
  });
});

describe('a cell that is rolled back', () => {
  test('takes its calls with it: none goes on unseen', async () => {
    let children = 0;
    const { run, client } = await open({
      reply: async ({ workflowId, turn }) => {
        if (workflowId.includes('/')) {
          children++;
          await new Promise((resolve) => setTimeout(resolve, 300));
        }
        return [turn === 1 ? 'go()' : 'answer'];
      },
      cell: async ({ key, delivery }) => {
        if (key.workflowId.includes('/')) return finished();
        if (key.cell === '2.1') return ready();
        return delivery === null ? waiting(1, 10, subRunsOf(1)) : rolledBack();
      },
    });
    const { workflowId } = await run();
    const seen = children;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(children).toBe(seen);
    const open1 = await client.temporal.workflow.count(
      `ExecutionStatus = "Running" AND WorkflowId STARTS_WITH "${workflowId}"`,
    );
    expect(open1.count).toBe(0);
  });

  test('leaves the engine’s edits for the cell after it', async () => {
    const { run, cells } = await open({
      reply: () => ['cell()'],
      check: () => (world.cells.length === 1 ? ['wrong.'] : []),
      cell: ({ key }) => (key.cell === '2.1' ? rolledBack() : ready()),
    });
    await run();
    const reset = [{ kind: 'setItem', variable: 'answer', key: 'ready', json: 'false' }];
    const ofAnswer = cells.map(({ key, edits }) => [
      key.cell,
      edits.filter((edit) => edit.kind === 'setItem' && edit.variable === 'answer'),
    ]);
    expect(ofAnswer).toEqual([
      ['1.1', []],
      ['2.1', reset],
      ['3.1', reset],
    ]);
  });

  test('because its replay diverged is run afresh once, as a new attempt', async () => {
    const { run, cells } = await open({
      reply: () => ['cell()'],
      cell: ({ key }) =>
        key.cellAttempt === 1 ? { ...rolledBack(), reason: 'divergence' } : ready(),
    });
    await run();
    expect(cells.map(({ key }) => key.cellAttempt)).toEqual([1, 2]);
  });
});

test('a call that is very late gets one delivery, not an empty one every two seconds', async () => {
  const { run, cells } = await open({
    reply: () => ['ask()'],
    cell: ({ delivery }) => {
      if (delivery === null) return waiting(1, 10);
      const isLate = delivery.recorded.some(([from, to]) => from <= 4 && 4 <= to);
      return isLate ? ready() : waiting(11, 0);
    },
    answer: ({ call }) =>
      call === 4 ? new Promise((resolve) => setTimeout(resolve, 6500)) : undefined,
  });
  await run();
  expect(cells.map(({ delivery }) => delivery?.recorded.length ?? null)).toEqual([null, 2, 1]);
});

describe('a run', () => {
  test('ends in the middle of a cell when its wall-clock time is up, with its draft', async () => {
    const { run } = await open({
      reply: ({ turn }) => [turn === 1 ? 'draft' : 'ask()'],
      cell: async ({ key }) =>
        key.cell === '1.1'
          ? finished({ answer: { content: await putText(world.store, 'So far.'), ready: false } })
          : waiting(1, 1),
      answer: () => new Promise((resolve) => setTimeout(resolve, 8000)),
    });
    const { answer, result } = await run({ budget: { wallClockMs: 3000 } });
    expect([answer, result.reason]).toEqual(['So far.', 'wallClock']);
  });

  test('that fails before its REPL is open does not stay "running" in searches', async () => {
    const { client } = await open({
      reply: () => [],
      cell: () => finished(),
      resolve: () => {
        throw ApplicationFailure.nonRetryable('Unknown model "x".', FailureType.invalidInput);
      },
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    const failure = await client.result(workflowId).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RunFailed);
    expect(failure).toMatchObject({ type: 'InvalidInput', message: 'Unknown model "x".' });
    const { searchAttributes } = await client.temporal.workflow.getHandle(workflowId).describe();
    expect(searchAttributes['RlmStatus']).toEqual(['failed']);
  });

  test('id that the server refuses is told with the server’s reason', async () => {
    const { client } = await open({ reply: () => [], cell: () => finished() });
    await expect(
      client.start({ question: 'Why?', input: 'text' }, { workflowId: 'x'.repeat(1500) }),
    ).rejects.toThrow(/^The Temporal server refused this: WorkflowId exceeds maximum/);
  });
});
