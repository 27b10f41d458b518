import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { RunCancelled, RunFailed } from '../../client/index.ts';
import { FailureType } from '../../protocol/index.ts';
import { putText, textRefOf } from '../../store/index.ts';
import { open, world } from './opened-world.ts';
import { finished, START } from './states.ts';
import { oneRound, ready, waiting } from './waiting-run.ts';

// Scope: how a run goes from turn to turn, ends, and fails when it cannot go on. Rooms are scripted; server, worker and client are real.

afterEach(() => world.close());

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
