import { afterEach, describe, expect, test } from '@jest/globals';
import { RunBranch } from '../../protocol/index.ts';
import { textRefOf } from '../../store/index.ts';
import { open, world } from './opened-world.ts';
import { finished } from './states.ts';
import { ASKS, draft, held, ready, until } from './steered-run.ts';

// Scope: pausing, resuming and finishing a run under way. Rooms are scripted; server, worker, client and updates are real.

afterEach(() => world.close());

describe('a pause', () => {
  test('starts no cell until the run is resumed', async () => {
    const { script, begun, go } = held({ cell: () => ready() });
    const { client, cells } = await open(script);
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await begun;
    const paused = await client.steering.pause(workflowId);
    expect(paused).toMatchObject({ paused: true });
    go();
    await until(async () => (await client.progress(workflowId))?.phase === 'paused');
    expect(cells).toHaveLength(0);
    await client.steering.pause(workflowId);
    await client.steering.resume(workflowId);
    const { result } = await client.result(workflowId);
    expect([result.reason, cells.length]).toEqual(['answered', 1]);
  });

  test('holds the sub-runs that are under way as well, and resumes them', async () => {
    const [thinking, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const sub = { call: 1, prompt: textRefOf('Part.'), context: null, model: null };
    const { client, cells } = await open({
      reply: async ({ depth }) => {
        if (depth === 1) {
          thinking.resolve();
          await gate.promise;
        }
        return ['go()'];
      },
      cell: ({ key, delivery }) =>
        key.workflowId.includes('/') || delivery !== null
          ? ready()
          : { ...ASKS, humans: [], subRuns: [sub] },
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await thinking.promise;
    await client.steering.pause(workflowId);
    gate.resolve();
    let child = '';
    await until(async () => {
      const [found] = (await client.tree(workflowId)).children;
      if (found === undefined) return false;
      child = found.workflowId;
      return (await client.progress(child))?.phase === 'paused';
    });
    expect(cells).toHaveLength(1);
    const branch = await client.temporal.workflow.getHandle(workflowId).query('getTree');
    expect(RunBranch.parse(branch)).toMatchObject({
      workflowId,
      depth: 0,
      turn: 1,
      children: [
        {
          workflowId: child,
          kind: 'subRun',
          granted: { calls: expect.any(Number), costUsd: expect.any(Number) },
          reported: { turns: 1, calls: 1 },
        },
      ],
    });
    await client.steering.resume(workflowId);
    expect((await client.result(workflowId)).result.reason).toBe('answered');
    expect((await client.tree(workflowId)).children).toMatchObject([
      { workflowId: child, children: [] },
    ]);
  }, 30_000);

  test('of a round lets its calls go on together, and is told as long as it lasts', async () => {
    const [asked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let calls = 0;
    const { client } = await open({
      reply: () => ['ask()'],
      cell: ({ delivery }) =>
        delivery === null ? { ...ASKS, callCount: 6, humans: [], previews: [] } : ready(),
      answer: async () => {
        calls++;
        asked.resolve();
        await gate.promise;
      },
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text', concurrency: 2 });
    await asked.promise;
    await client.steering.pause(workflowId);
    gate.resolve();
    await until(async () => (await client.progress(workflowId))?.phase === 'paused');
    expect(calls).toBe(2);
    const after = await client.steering.resume(workflowId);
    expect(after.phase).toBe('calling');
    expect((await client.result(workflowId)).result.spend.calls).toBe(6);
  });

  test('can be ended by cancelling the run, which keeps its draft', async () => {
    const { script, begun, go } = held({ cell: () => draft('So far.') });
    const { client } = await open(script);
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await begun;
    go();
    await until(async () => (await client.progress(workflowId))?.draft != null);
    await client.steering.pause(workflowId);
    await client.cancel(workflowId);
    const failure = await client.result(workflowId).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      name: 'RunCancelled',
      progress: { draft: { content: { text: 'So far.' } } },
    });
  });
});

describe('finishing now', () => {
  test('keeps the draft of an earlier cell of the reply whose later cell waits', async () => {
    const called = Promise.withResolvers<void>();
    const { client, turns } = await open({
      reply: () => ['draft', 'ask()'],
      cell: ({ key }) =>
        key.cell === '1.1' ? draft('So far.') : { ...ASKS, humans: [], previews: ['p'] },
      answer: () => {
        called.resolve();
        return new Promise((resolve) => setTimeout(resolve, 1000));
      },
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await called.promise;
    expect((await client.progress(workflowId))?.draft?.content.text).toBe('So far.');
    expect(await client.drafts(workflowId)).toMatchObject([{ version: 1, cell: '1.1' }]);
    await client.steering.finishNow(workflowId);
    const { result, answer } = await client.result(workflowId);
    expect([result.reason, answer, turns.length]).toEqual(['finishNow', 'So far.', 1]);
  });

  test('without a draft shows the model what the interrupted turn printed, once', async () => {
    const called = Promise.withResolvers<void>();
    const { client, turns } = await open({
      reply: ({ turn, purpose }) => (purpose === 'answer' ? [] : turn === 1 ? ['x'] : ['y', 'z']),
      turn: ({ purpose }) => (purpose === 'answer' ? { answer: textRefOf('At last.') } : {}),
      cell: ({ key }) => {
        if (key.cell === '2.2') return { ...ASKS, humans: [], previews: ['p'] };
        return finished({ stdout: textRefOf(`printed by ${key.cell}`) });
      },
      answer: () => {
        called.resolve();
        return new Promise((resolve) => setTimeout(resolve, 1000));
      },
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await called.promise;
    await client.steering.finishNow(workflowId);
    expect((await client.result(workflowId)).answer).toBe('At last.');
    const last = turns.at(-1);
    expect(last?.purpose).toBe('answer');
    // Then the listing of the variables.
    expect(last?.observation?.cells.map(({ cell }) => cell)).toEqual(['2.1', '3.1']);
  });

  test('ends the run with its best draft while a cell waits, and cancels what is in flight', async () => {
    const called = Promise.withResolvers<void>();
    const { client } = await open({
      reply: ({ turn }) => [turn === 1 ? 'draft' : 'ask()'],
      cell: ({ key }) =>
        key.cell === '1.1' ? draft('So far.') : { ...ASKS, humans: [], previews: ['p'] },
      answer: () => {
        called.resolve();
        return new Promise((resolve) => setTimeout(resolve, 1000));
      },
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await called.promise;
    await client.steering.finishNow(workflowId);
    const { answer, result } = await client.result(workflowId);
    expect([answer, result.reason, result.draftVersion]).toEqual(['So far.', 'finishNow', 1]);
  });
});
