import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RlmClient } from '../../client/index.ts';
import type { RunningWorker } from '../../worker/index.ts';
import { scriptCells, type ScriptedCells } from './scripted-cells.ts';

// Scope: forks through a real worker, kernel and server; only the models are scripted.

let world: ScriptedCells;
let scripts: ScriptedCells['scripts'];
let sent: ScriptedCells['sent'];
let run: ScriptedCells['run'];
let worker: RunningWorker;
let client: RlmClient;

beforeAll(async () => {
  world = await scriptCells();
  ({ client, run, scripts, sent } = world);
  worker = await world.open();
}, 120_000);

afterAll(async () => {
  await worker.shutdown();
  await world.close();
});

describe('a fork', () => {
  const SOURCE = 'What is the source?';
  const cells = [
    'import os\nx = [1]; print("hello")',
    'x.append(2); e = os.urandom(4).hex()\nFINAL(e)',
  ];

  test('goes on from any step with the same heap, transcript and secret, and numbers its turns on', async () => {
    const source = await run(SOURCE, cells, { input: { a: 'old', b: 'kept' } });
    scripts.set(SOURCE, [...cells.slice(0, 1), 'e = os.urandom(4).hex()\nFINAL(f"{x} {e}")']);
    const { answer, result, workflowId } = await client.run({
      question: SOURCE,
      budget: { turns: 5 },
      from: { workflowId: source.workflowId, cell: '1.1' },
    });
    expect(answer).toBe(`[1] ${source.answer}`);
    expect([result.reason, result.spend.turns]).toEqual(['answered', 1]);
    const { memo } = await client.temporal.workflow.getHandle(workflowId).describe();
    expect(memo).toMatchObject({
      from: { workflowId: source.workflowId, cell: '1.1' },
      progress: { turn: 2, maxTurns: 6 },
    });
    // What the model had not been shown of the cell is in the first prompt; the question is not asked twice.
    expect(sent.at(-1)?.content).toContain('hello');
    expect(sent.filter(({ content }) => content.includes(SOURCE))).toHaveLength(1);
  }, 60_000);

  test('with another question adds inputs, forgets the old answer, and can be forked again', async () => {
    const source = await run('First question?', ['y = 1\nFINAL("old answer")'], {
      input: { a: 'old', b: 'kept' },
    });
    const second = 'Second question?';
    scripts.set(second, ['', 'print(answer)\nz = y + 1', 'FINAL([input_data, y, z])']);
    const from = { workflowId: source.workflowId };
    const fork = await client.run({
      question: second,
      from,
      input: { a: 'new' },
    });
    expect(JSON.parse(fork.answer ?? '')).toEqual([{ a: 'new', b: 'kept' }, 1, 2]);
    const asked = sent.map(({ content }) => content).join('\n');
    expect(asked).toContain('# A new question\n\nSecond question?');
    expect(asked).toContain('- `input_data["a"]`: str, 3 characters');
    expect(asked).toContain("{'content': '', 'ready': False}");

    const third = 'Third question?';
    scripts.set(third, ['', '', '', 'FINAL([y, z, out["2.1"]])']);
    const again = await client.run({
      question: third,
      from: { workflowId: fork.workflowId, cell: '3.1' },
    });
    expect(JSON.parse(again.answer ?? '')).toEqual([1, 2, "{'content': '', 'ready': False}\n"]);
  }, 90_000);

  test('of a run that the server has forgotten is read from its trail', async () => {
    const source = await run('Forgotten?', ['w = 5', 'FINAL("old")']);
    const { temporal } = client;
    const { workflowId } = source;
    await temporal.workflowService.deleteWorkflowExecution({
      namespace: temporal.options.namespace,
      workflowExecution: { workflowId },
    });
    const handle = temporal.workflow.getHandle(workflowId);
    while (await handle.describe().catch(() => null)) await setTimeout(50);
    scripts.set('Remembered?', ['', 'FINAL(w)']);
    const from = { workflowId, cell: '1.1' };
    const fork = await client.run({ question: 'Remembered?', from });
    expect(fork.answer).toBe('5');
    const failure = await client
      .run({ question: 'Q?', from: { workflowId, cell: '5.1' } })
      .catch(String);
    expect(failure).toContain(`spec.from: run ${workflowId} has no cell 5.1 that finished`);
  }, 90_000);

  test('of a run that still goes on leaves that run alone', async () => {
    const going = 'Still going?';
    scripts.set(going, ['n = 1', 'ask_human("wait")']);
    const { workflowId } = await client.start({ question: going, input: 'text' });
    for (;;) {
      if ((await client.progress(workflowId))?.questions?.length === 1) break;
      await setTimeout(100);
    }
    scripts.set('What now?', ['', 'FINAL(n + 1)']);
    const fork = await client.run({
      question: 'What now?',
      from: { workflowId },
    });
    expect(fork.answer).toBe('2');
    const progress = await client.steering.finishNow(workflowId);
    expect(progress.questions).toHaveLength(1);
    expect((await client.result(workflowId)).result.reason).toBe('finishNow');
  }, 60_000);

  test.each([
    [
      { workflowId: 'nobody' },
      'spec.from: run nobody has no cell that finished, as far as its history or trail says',
    ],
    [
      { workflowId: 'nobody', cell: '9.9' },
      'spec.from: run nobody has no cell 9.9 that finished, as far as its history or trail says',
    ],
  ])('of nothing is refused: %j', async (from, message) => {
    const failure = await client.run({ question: 'Q?', from }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ type: 'InvalidInput', message });
  });
});
