import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { RlmClient, RunFailed, type RunRequest } from '../../client/index.ts';
import {
  type ScriptedMessage,
  type ScriptedModel,
  startScriptedModel,
} from '../../examples/support/scripted-model.ts';
import { loadWorkerConfig, type RunningWorker, startWorker } from '../../worker/index.ts';
import { temporalAddress, workflowBundlePath } from '../support/shared-server.ts';
import '../support/quiet-worker.ts';

// Scope: tools, questions to people and forks through a real worker, kernel and server; only the models are scripted.

const TOOLS_QUEUE = 'tools-of-somebody';
const home = mkdtempSync(join(tmpdir(), 'rlm-tools-'));
/** Python of each turn, by the question. */
const scripts = new Map<string, string[]>();
/** What the root model was sent last. */
let sent: readonly ScriptedMessage[] = [];
let model: ScriptedModel;
let worker: RunningWorker;
let open: () => Promise<RunningWorker>;
let tools: { worker: Worker; running: Promise<void>; connection: NativeConnection };
let client: RlmClient;
const looked: unknown[] = [];

function reply(messages: readonly ScriptedMessage[], turn: number): string {
  sent = messages;
  const said = messages.filter(({ role }) => role === 'user').map(({ content }) => content);
  const asked = [...scripts].findLast(([question]) => said.some((text) => text.includes(question)));
  const code = asked?.[1][turn - 1] ?? 'answer["ready"] = True';
  return `I go on.\n\`\`\`python\n${code}\n\`\`\``;
}

beforeAll(async () => {
  model = await startScriptedModel({ root: reply });
  const mcp = join(home, 'mcp.json');
  const calculator = {
    command: process.execPath,
    args: ['--no-warnings', join(import.meta.dirname, 'mcp-calculator.ts')],
    env: { PLACE: 'a test' },
  };
  writeFileSync(mcp, JSON.stringify({ mcpServers: { calculator } }));
  const env = {
    ...process.env,
    TEMPORAL_ADDRESS: temporalAddress(),
    RLM_HOME: home,
    RLM_TASK_QUEUE: `whole-${process.pid}`,
    RLM_MCP_CONFIG: mcp,
    OPENAI_BASE_URL: model.baseUrl,
    OPENAI_API_KEY: 'none',
    RLM_MODEL: 'stand-in-root',
    RLM_SUB_MODEL: 'stand-in-sub',
  };
  const config = loadWorkerConfig(env);
  open = () => startWorker(config, { env, bundle: { codePath: workflowBundlePath() } });
  worker = await open();
  client = await RlmClient.connect({
    address: temporalAddress(),
    store: config.storeLocation,
    taskQueue: config.taskQueue,
  });
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
  await client.close();
  await model.close();
  rmSync(home, { recursive: true, force: true });
});

/** A run whose turns are these cells. */
async function run(
  question: string,
  cells: string[],
  request: Partial<RunRequest> = {},
): Promise<Awaited<ReturnType<RlmClient['run']>>> {
  scripts.set(question, cells);
  return client.run({ question, input: 'text', ...request });
}

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
