import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { RunCancelled, RunFailed } from '../../client/index.ts';
import {
  type CellOutcome,
  FailureType,
  type RunCellInput,
  type WaitingCell,
} from '../../protocol/index.ts';
import { putText, type Store, textRefOf } from '../../store/index.ts';
import { openWorld, type Script, type World } from './fake-world.ts';
import { finished, START } from './states.ts';

// Scope: what the workflow does with outcomes and failures. Rooms are scripted; server, worker and client are real.

const JOURNAL = `sha256:${'1'.repeat(64)}`;
let world: World;
afterEach(() => world.close());

async function open(script: Script): Promise<World> {
  world = await openWorld(script);
  return world;
}

function waiting(firstCall: number, callCount: number): WaitingCell {
  return {
    kind: 'waiting',
    journal: JOURNAL,
    firstCall,
    callCount,
    previews: Array.from({ length: callCount }, (_, i) => `prompt ${firstCall + i}`),
    subRuns: [],
    computeMs: 1,
    way: 'fresh',
  };
}

async function ready(store: Store, text = 'The answer.'): Promise<CellOutcome> {
  return finished({ answer: { content: await putText(store, text), ready: true } });
}

/** Waits once for `calls` calls, then finishes ready. */
function oneRound(calls: number): Pick<Script, 'reply' | 'cell'> {
  return {
    reply: () => ['ask()'],
    cell: (input) => (input.journal === null ? waiting(1, calls) : ready(world.store)),
  };
}

function deliveries(cells: readonly RunCellInput[]): unknown[] {
  return cells.map(({ delivery }) => delivery?.recorded ?? null);
}

describe('a run', () => {
  test('goes from turn to turn until the answer is ready', async () => {
    const { run, cells, sealed } = await open({
      reply: ({ turn }) => [`x = ${turn}`],
      cell: ({ key }) => (key.cell === '3.1' ? ready(world.store) : finished()),
    });
    const { answer, result, workflowId } = await run();
    expect([answer, result.reason, result.spend.turns]).toEqual(['The answer.', 'answered', 3]);
    expect(cells.map(({ key }) => key.cell)).toEqual(['1.1', '2.1', '3.1']);
    expect(new Set(cells.map(({ seed }) => seed)).size).toBe(3);
    expect(sealed).toEqual([workflowId]);
  });

  test('stops at a cell that raised: later blocks assumed that it worked', async () => {
    const error = { type: 'NameError', message: 'x', traceback: textRefOf('…') };
    const { run, cells, turns } = await open({
      reply: ({ turn }) => (turn === 1 ? ['x', 'y'] : ['answer']),
      cell: ({ key }) => (key.cell === '1.1' ? finished({ error }) : ready(world.store)),
    });
    await run();
    expect(cells.map(({ key }) => key.cell)).toEqual(['1.1', '2.1']);
    expect(turns[1]?.observation?.cells).toHaveLength(1);
  });

  test('ends with the best draft when its turns are used up', async () => {
    const { run } = await open({
      reply: () => ['draft'],
      cell: async () =>
        finished({ answer: { content: await putText(world.store, 'So far.'), ready: false } }),
    });
    const { answer, result } = await run({ budget: { turns: 2 } });
    expect([answer, result.reason, result.draftVersion]).toEqual(['So far.', 'turns', 1]);
  });

  test('ends with nothing but the reason when the model never writes code', async () => {
    const { run } = await open({ reply: () => [], cell: () => finished() });
    const { answer, result } = await run();
    expect([answer, result.reason, result.spend.turns]).toEqual([null, 'noCode', 3]);
  });

  test('shows the problems of a refused answer, and gives up after three', async () => {
    const { run, turns, cells } = await open({
      reply: () => ['answer'],
      cell: () => ready(world.store),
      check: () => ['total: expected a number.'],
    });
    const { result } = await run();
    expect(result.reason).toBe('invalidAnswer');
    expect(turns[1]?.observation?.notes).toEqual([
      'The answer was not accepted:',
      'total: expected a number.',
      'Correct answer["content"] and set answer["ready"] = True again (2 attempts are left).',
    ]);
    expect(cells[1]?.edits).toContainEqual({
      kind: 'setItem',
      variable: 'answer',
      key: 'ready',
      json: 'false',
    });
  });

  test('answers its progress while it goes on, and from its memo afterwards', async () => {
    const { client, run } = await open(oneRound(2));
    const { workflowId } = await run();
    const progress = await client.progress(workflowId);
    expect(progress).toMatchObject({ phase: 'ended', turn: 1, spend: { calls: 2 } });
    await expect(client.progress('no-such-run')).rejects.toThrow(
      'There is no run with the id no-such-run; look it up in the Web UI.',
    );
  });
});

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

describe('a run that cannot go on', () => {
  test('fails with the model’s failure and seals its trail', async () => {
    const { run, sealed } = await open({
      reply: () => {
        throw ApplicationFailure.nonRetryable(
          'The key is wrong; set OPENAI_API_KEY.',
          FailureType.modelUnauthorized,
        );
      },
      cell: () => finished(),
    });
    const failure = await run().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RunFailed);
    expect(failure).toMatchObject({
      type: 'Model.Unauthorized',
      message: 'The key is wrong; set OPENAI_API_KEY.',
    });
    expect(sealed).toHaveLength(1);
  });

  test('keeps its draft when it is cancelled', async () => {
    const called = Promise.withResolvers<void>();
    const { client } = await open({
      reply: ({ turn }) => [turn === 1 ? 'draft' : 'ask()'],
      cell: async ({ key }) =>
        key.cell === '1.1'
          ? finished({ answer: { content: await putText(world.store, 'So far.'), ready: false } })
          : waiting(1, 1),
      answer: () => {
        called.resolve();
        return new Promise((resolve) => setTimeout(resolve, 2000));
      },
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await called.promise;
    await client.cancel(workflowId);
    const failure = await client.result(workflowId).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RunCancelled);
    expect(failure).toMatchObject({
      message: `Run ${workflowId} was cancelled.`,
      progress: { draft: { version: 1, content: { text: 'So far.' } } },
    });
  });

  test('refuses a wrong spec by naming the path, instead of retrying for ever', async () => {
    const { client } = await open({ reply: () => [], cell: () => finished() });
    const handle = await client.temporal.workflow.start('rlmRun', {
      taskQueue: client.taskQueue,
      workflowId: `wrong-${Date.now()}`,
      args: [{ spec: { question: 'text' } }],
    });
    const failure = await client.result(handle.workflowId).catch((error: unknown) => error);
    expect(failure).toMatchObject({ type: 'InvalidInput' });
    expect(String(failure)).toMatch(/The run's spec is not valid: spec\.question: /);
  });

  test.each([
    ['maxdepth', { maxdepth: 3 }, 'spec.maxdepth'],
    ['a limit', { budget: { cost: 5 } }, 'spec.budget.cost'],
    ['a limit of cells', { limits: { memory: 5 } }, 'spec.limits.memory'],
  ])('refuses a misspelt %s, instead of running without it', async (_, wrong, path) => {
    const { client } = await open({ reply: () => [], cell: () => finished() });
    const handle = await client.temporal.workflow.start('rlmRun', {
      taskQueue: client.taskQueue,
      workflowId: `misspelt-${randomUUID()}`,
      args: [{ ...START, spec: { ...START.spec, ...wrong } }],
    });
    const failure = await client.result(handle.workflowId).catch((error: unknown) => error);
    expect(failure).toMatchObject({ type: 'InvalidInput' });
    expect(String(failure)).toContain(
      `The run's spec is not valid: ${path}: there is no such field.`,
    );
  });

  test('shows the model how much of its time is used', async () => {
    const { run, turns } = await open({
      reply: () => ['x'],
      cell: ({ key }) => (key.cell === '2.1' ? ready(world.store) : finished()),
    });
    await run({ budget: { wallClockMs: 600_000 } });
    expect(turns[1]?.observation?.statusLine).toMatch(
      /^turn 1\/30 · 0 sub-calls · \$0\.01 of \$1\.00 · \d+ of 600 s · no draft yet$/,
    );
  });
});
