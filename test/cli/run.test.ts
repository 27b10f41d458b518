import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type ScriptedModel, startScriptedModel } from '../../examples/support/scripted-model.ts';
import { openWorkplace, type Workplace } from './rlm-command.ts';

// Scope: whole commands with the real server, worker and kernel; only the model is scripted.

let place: Workplace;
let model: ScriptedModel;
/** Awaited before the reply of the second turn, when a test sets it. */
let beforeTurn2: Promise<void> | null;
let onTurn2: () => void;
let lastTurn: string;

const ASK = `I ask a sub-model.

\`\`\`python
reply = llm_query("What was repaired? " + input_data["notes"])
answer["content"] = f"It was {reply}."
\`\`\``;
const CONFIRM = '```python\nanswer["ready"] = True\n```';

beforeEach(async () => {
  beforeTurn2 = null;
  onTurn2 = () => undefined;
  lastTurn = CONFIRM;
  place = await openWorkplace();
  model = await startScriptedModel({
    root: async (_, turn) => {
      if (turn === 1) return ASK;
      onTurn2();
      await beforeTurn2;
      return lastTurn;
    },
    sub: () => 'the lift',
  });
});

afterEach(async () => {
  await model.close();
  await place.remove();
});

function env(): NodeJS.ProcessEnv {
  return {
    OPENAI_BASE_URL: model.baseUrl,
    RLM_MODEL: 'scripted-root',
    RLM_SUB_MODEL: 'scripted-sub',
  };
}

const RUN = ['run', 'What was repaired?', '--input', 'notes=notes.txt'];

// Two starts of server and worker on a machine that may be busy.
jest.setTimeout(120_000);

describe('rlm run', () => {
  test('gives the answer on standard output, and on standard error how it came about', async () => {
    const { code, stdout, stderr } = await place.rlm([...RUN, '--id', 'lift'], env());
    expect([code, stdout]).toEqual([0, 'It was the lift.\n']);
    expect(stderr).toMatch(
      /\nRun lift · http:\/\/127\.0\.0\.1:\d+\/namespaces\/default\/workflows\/lift\n/,
    );
    expect(stderr).toMatch(/\[ *[\d.]+ s\] turn 1\/30 · /);
    expect(stderr).toMatch(
      /\[ *[\d.]+ s\] ended · turn 2\/30 · 1 sub-call · .* · draft v1, 16 chars\n/,
    );
    expect(stderr).toMatch(/\nAnswered after 2 turns, 1 sub-call, \$0\.00\.\n/);
    expect(stderr).toMatch(/\nTo open the run later: rlm ui, then look for lift\.\n$/);

    const again = await place.rlm(['result', 'lift', '--json'], env());
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({
      workflowId: 'lift',
      reason: 'answered',
      answer: 'It was the lift.',
      draftVersion: 1,
      spend: { turns: 2, calls: 1 },
    });
    expect(model.requests).toHaveLength(3);

    const taken = await place.rlm([...RUN, '--id', 'lift'], env());
    expect([taken.code, taken.stdout]).toEqual([1, '']);
    expect(taken.stderr).toMatch(
      /\nrlm: A run with the id lift exists already; choose another id or ask for its result\.\n$/,
    );
  });

  test('says that a best draft is no answer, also by its exit code', async () => {
    lastTurn = '```python\nprint("hm")\n```';
    const { code, stdout, stderr } = await place.rlm([...RUN, '--turns', '2'], env());
    expect([code, stdout]).toEqual([3, 'It was the lift.\n']);
    expect(stderr).toContain(
      'The run ended without a final answer because its turns were used up, after 2 turns, 1 sub-call, ',
    );
    expect(stderr).toContain('What is printed is its best draft.\n');
  });

  test('a model that fails for good ends it with one sentence', async () => {
    await model.close();
    model = await startScriptedModel({
      root: () => ASK,
      fault: () => ({ kind: 'status', status: 404 }),
    });
    const { code, stdout, stderr } = await place.rlm(RUN, env());
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /\nrlm: http:\S+ knows no model "scripted-root" \(404\): check the model's name and the base URL\.\n$/,
    );
  });
});

describe('a run whose command is killed', () => {
  test('goes on where it was when somebody asks for its result; no call is made again', async () => {
    const reached = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    onTurn2 = reached.resolve;
    beforeTurn2 = gate.promise;
    const running = place.start([...RUN, '--id', 'interrupted'], env());
    await reached.promise;
    running.kill('SIGKILL');
    await running.result;
    gate.resolve();

    const { code, stdout } = await place.rlm(['result', 'interrupted'], env());
    expect([code, stdout]).toEqual([0, 'It was the lift.\n']);
    expect(model.requests.filter(({ kind }) => kind === 'sub')).toHaveLength(1);
  });
});

describe('Ctrl-C', () => {
  test('cancels the run, which keeps its draft', async () => {
    const reached = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    onTurn2 = reached.resolve;
    beforeTurn2 = gate.promise;
    const running = place.start([...RUN, '--id', 'stopped'], env());
    await reached.promise;
    running.kill('SIGINT');
    const { code, stderr } = await running.result;
    gate.resolve();
    expect(code).toBe(130);
    expect(stderr).toMatch(/\nrlm: Run stopped was cancelled\.\n$/);

    const { stdout } = await place.rlm(['progress', 'stopped', '--json'], env());
    expect(JSON.parse(stdout)).toMatchObject({
      phase: 'ended',
      draft: { version: 1, content: { text: 'It was the lift.' } },
    });
  });
});
