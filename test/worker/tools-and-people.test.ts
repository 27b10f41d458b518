import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { type RlmClient, RunFailed, type RunRequest } from '../../client/index.ts';
import type { RunningWorker } from '../../worker/index.ts';
import { temporalAddress } from '../support/shared-server.ts';
import { scriptCells, type ScriptedCells } from './scripted-cells.ts';

// Scope: tools and questions to people through a real worker, kernel and server; only the models are scripted.

const TOOLS_QUEUE = 'tools-of-somebody';
let world: ScriptedCells;
let scripts: ScriptedCells['scripts'];
let sent: ScriptedCells['sent'];
let run: ScriptedCells['run'];
let open: ScriptedCells['open'];
let worker: RunningWorker;
let tools: { worker: Worker; running: Promise<void>; connection: NativeConnection };
let client: RlmClient;
const looked: unknown[] = [];

beforeAll(async () => {
  const calculator = {
    command: process.execPath,
    args: ['--no-warnings', join(import.meta.dirname, 'mcp-calculator.ts')],
    env: { PLACE: 'a test' },
  };
  world = await scriptCells({ calculator });
  ({ client, open, run, scripts, sent } = world);
  worker = await open();
  const connection = await NativeConnection.connect({ address: temporalAddress() });
  const own = await Worker.create({
    connection,
    taskQueue: TOOLS_QUEUE,
    activities: {
      async lookUp(args: { word: string }) {
        looked.push(args);
        if (args.word === 'nothing') throw ApplicationFailure.nonRetryable('No entry.', 'NoEntry');
        return { word: args.word, senses: [1, 2] };
      },
    },
  });
  tools = { worker: own, running: own.run(), connection };
}, 120_000);

afterAll(async () => {
  await worker.shutdown();
  tools.worker.shutdown();
  await tools.running;
  await tools.connection.close();
  await world.close();
});

const LOOK_UP = {
  name: 'look_up',
  description: 'Looks a word up.',
  parameters: {
    type: 'object',
    properties: { word: { type: 'string', minLength: 2 }, lang: { type: 'string', default: 'en' } },
    required: ['word'],
  },
  activity: 'lookUp',
  taskQueue: TOOLS_QUEUE,
};

describe('tools of a run', () => {
  test('are functions that activities on any queue answer', async () => {
    const cells = [
      'a = look_up("word"); b = look_up("nothing"); c = look_up("x"); d = look_up(3)\nFINAL([a.data, b.error, c.error, d.error])',
    ];
    const { answer, result } = await run('What are tools?', cells, { tools: [LOOK_UP] });
    expect(JSON.parse(answer ?? '')).toEqual([
      { word: 'word', senses: [1, 2] },
      'NoEntry: No entry.',
      'InvalidInput: look_up was not called: word: Too small: expected string to have >=2 characters.',
      'InvalidInput: look_up was not called: word: Invalid input: expected string, received number.',
    ]);
    expect(looked).toEqual([
      { word: 'word', lang: 'en' },
      { word: 'nothing', lang: 'en' },
    ]);
    expect(result.spend.calls).toBe(4);
    expect(sent[0]?.content).toContain(
      'def look_up(word: str, *, lang: str = "en"):\n    Looks a word up.',
    );
  }, 60_000);

  test('of an MCP server likewise, with its own failures as results', async () => {
    const cells = [
      'a = add_up(1, b=2); b = add_up(1); c = fail(); d = greet()\nFINAL([a.data, b.data, c.error, d, d.data, calculator_exit.__name__])',
    ];
    const { answer } = await run('What is MCP?', cells, { mcp: ['calculator'] });
    expect(JSON.parse(answer ?? '')).toEqual([
      { sum: 3 },
      { sum: 2 },
      'Tool.Failed: It cannot be done.',
      'Hello from a test',
      'Hello from a test',
      // `exit` alone would be Python's own.
      'calculator_exit',
    ]);
  }, 60_000);

  test.each<[Partial<RunRequest>, string]>([
    [
      { tools: [LOOK_UP, { ...LOOK_UP, name: 'llm_query' }] },
      'spec.tools.1.name: llm_query is a name of the REPL itself; give the tool another',
    ],
    [
      { tools: [{ ...LOOK_UP, parameters: { type: 'nonsense' } }] },
      'spec.tools.0.parameters: Unsupported type: nonsense',
    ],
    [{ mcp: ['none'] }, 'spec.mcp: no MCP server is called none; there are calculator'],
  ])('that cannot be are refused at the start: %#', async (request, message) => {
    const failure = await run('Refused?', [], request).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RunFailed);
    expect(failure).toMatchObject({ type: 'InvalidInput', message });
  });
});

test('a person answers a question, and sets a variable, while no worker that ran the cell is left', async () => {
  const question = 'Ask whom?';
  scripts.set(question, [
    'choice = ask_human("Which one?"); r = look_up("lift")',
    'FINAL([choice, choice.data, extra, r.data["word"]])',
  ]);
  const { workflowId } = await client.start({ question, input: 'text', tools: [LOOK_UP] });
  for (;;) {
    const progress = await client.progress(workflowId);
    if (progress?.questions?.[0]?.question.text === 'Which one?') break;
    await setTimeout(100);
  }
  await worker.shutdown();
  worker = await open();
  await client.steering.editVariable(workflowId, 'extra', { a: [1.5, null] });
  await client.steering.answerHuman(workflowId, '1.1.1', { number: 2 });
  const { answer } = await client.result(workflowId);
  expect(JSON.parse(answer ?? '')).toEqual([
    '{"number":2}',
    { number: 2 },
    { a: [1.5, null] },
    'lift',
  ]);
}, 120_000);
