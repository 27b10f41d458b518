import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Fault } from '../../examples/support/faults.ts';
import {
  startScriptedModel,
  type ScriptedMessage,
  type ScriptedModel,
  type ScriptedReply,
} from '../../examples/support/scripted-model.ts';
import { loadRegistry, takeTurn, type Registry } from '../../models/index.ts';
import { readTranscript } from '../../models/transcript.ts';
import type { NextTurnInput, NextTurnResult, Observation } from '../../protocol/index.ts';
import { getText, memoryStore, putJson, putText, type Store } from '../../store/index.ts';
import { dyingStore } from './failing-store.ts';

const REPLY = 'I look.\n\n```python\nprint(1)\n```\n\n```sql\nselect 1\n```\n';
const OBSERVATION: Observation = {
  statusLine: 'turn 2/30',
  cells: [],
  notes: ['Go on.'],
  draft: null,
};

let store: Store;
let model: ScriptedModel;
let registry: Registry;
let reply: string | ScriptedReply;
let fault: Fault | undefined;
let seen: (readonly ScriptedMessage[])[];

beforeEach(async () => {
  store = memoryStore();
  reply = { text: REPLY, inputTokens: 100, outputTokens: 20 };
  fault = undefined;
  seen = [];
  model = await startScriptedModel({
    root: (messages) => {
      seen.push(messages);
      return reply;
    },
    fault: () => fault,
  });
  registry = loadRegistry({ OPENAI_BASE_URL: model.baseUrl, RLM_MODEL: 'stand-in-root' });
});
afterEach(() => model.close());

async function take(fields: Partial<NextTurnInput> = {}, into = store): Promise<NextTurnResult> {
  const input: NextTurnInput = {
    workflowId: 'run-1',
    turn: 1,
    card: await registry.card(null, 'root', { taskQueue: 'models' }),
    subModel: 'stand-in-sub',
    question: await putText(store, 'Why?'),
    manifest: (await putJson(store, { entries: [] })).digest,
    depth: 0,
    maxDepth: 1,
    transcript: null,
    observation: null,
    ...fields,
  };
  return await takeTurn({ store: into, registry, input });
}

describe('takeTurn', () => {
  test('gives the reply, its cells, what was ignored and what it cost', async () => {
    const result = await take();
    expect(result).toMatchObject({
      ignoredBlocks: ['sql'],
      repeated: false,
      finishReason: 'stop',
      usage: { inputTokens: 100, outputTokens: 20 },
    });
    expect(await getText(store, result.reply)).toBe(REPLY);
    expect(await Promise.all(result.cells.map((cell) => getText(store, cell)))).toEqual([
      'print(1)',
    ]);
  });

  test('the transcript grows by what was said, so that each prompt begins with the last one', async () => {
    const first = await take();
    const second = await take({
      turn: 2,
      transcript: first.transcript,
      observation: OBSERVATION,
    });
    const [one = [], two = []] = seen;
    expect(one.map(({ role }) => role)).toEqual(['system', 'user']);
    expect(two).toEqual([
      ...one,
      { role: 'assistant', content: REPLY },
      { role: 'user', content: 'turn 2/30\n\nGo on.' },
    ]);
    expect(await readTranscript(store, second.transcript)).toEqual([
      ...two,
      { role: 'assistant', content: REPLY },
    ]);
  });

  test('run again, it gives the same result from the record and pays nothing', async () => {
    const once = await take();
    reply = 'another mood';
    expect(await take()).toEqual({ ...once, repeated: true });
    expect(model.requests).toHaveLength(1);
  });

  test('another observation, turn or run is another prompt', async () => {
    const first = await take();
    const next = { turn: 2, transcript: first.transcript, observation: OBSERVATION };
    await take(next);
    await take({ ...next, observation: { ...OBSERVATION, notes: ['Stop.'] } });
    await take({ ...next, workflowId: 'run-2' });
    expect(model.requests).toHaveLength(4);
  });

  test('a death before the record pays again; one after it does not', async () => {
    await expect(take({}, dyingStore(store, 'beforeRecord'))).rejects.toThrow('the process died');
    await expect(take({}, dyingStore(store, 'afterRecord'))).rejects.toThrow('the process died');
    expect(model.requests).toHaveLength(2);
    expect(await take()).toMatchObject({ repeated: true });
    expect(model.requests).toHaveLength(2);
  });

  test('a block cut off by the output limit is not a cell', async () => {
    reply = { text: 'a\n```python\nx = 1\n```\n```python\ny = [1,', finishReason: 'length' };
    const result = await take();
    expect(result.cells.map((cell) => cell.text)).toEqual(['x = 1']);
    expect(result).toMatchObject({
      finishReason: 'length',
      ignoredBlocks: ['python, cut off by the output limit'],
    });
  });

  test('calls of the tool are the cells of a model that writes them so', async () => {
    const card = {
      ...(await registry.card(null, 'root', { taskQueue: 'models' })),
      replies: 'tool' as const,
    };
    reply = { text: 'I look.', calls: ['print(1)', 'print(2)', ' '] };
    const first = await take({ card });
    expect(first.cells.map((cell) => cell.text)).toEqual(['print(1)', 'print(2)']);
    expect(await getText(store, first.reply)).toMatch(/^I look\.\n\n```python\nprint\(1\)\n```/);
    await take({ card, turn: 2, transcript: first.transcript, observation: OBSERVATION });
    expect(seen[1]?.slice(2)).toEqual([
      {
        role: 'assistant',
        content: 'I look.',
        tool_calls: [1, 2, 3].map((at) =>
          expect.objectContaining({ id: `stand-in-1-call-${at}`, type: 'function' }),
        ),
      },
      {
        role: 'tool',
        tool_call_id: 'stand-in-1-call-1',
        content: 'What came of it is told with the last call.',
      },
      {
        role: 'tool',
        tool_call_id: 'stand-in-1-call-2',
        content: 'What came of it is told with the last call.',
      },
      { role: 'tool', tool_call_id: 'stand-in-1-call-3', content: 'turn 2/30\n\nGo on.' },
    ]);
  });

  test('blocks are the cells of a model that should call the tool and writes text', async () => {
    const card = {
      ...(await registry.card(null, 'root', { taskQueue: 'models' })),
      replies: 'tool' as const,
    };
    expect((await take({ card })).cells.map((cell) => cell.text)).toEqual(['print(1)']);
  });

  test.each([
    ['Clause 7.\n', 'Clause 7.'],
    ['<think>```python\nx\n```</think>\nClause 7.', 'Clause 7.'],
    ['```json\n{"a": 1}\n```', '{"a": 1}'],
    ['See:\n```json\n{"a": 1}\n```', 'See:\n```json\n{"a": 1}\n```'],
    [' \n', undefined],
  ])(
    'asked for the answer itself, the reply %j is it, and nothing of it is run',
    async (text, answer) => {
      reply = text;
      const result = await take({ purpose: 'answer', observation: OBSERVATION });
      expect([result.cells, result.answer?.text]).toEqual([[], answer]);
      expect(seen[0]?.at(-1)?.content).toMatch(/^turn 2\/30\n\nGo on\.\n\nThe run is over: /);
    },
  );

  test('the opening names the form of the answer and the limits', async () => {
    await take({
      answerSchema: await putText(store, '{"type":"object"}'),
      budget: {
        turns: 30,
        calls: 1000,
        costUsd: 1,
        tokens: null,
        wallClockMs: 3_600_000,
        computeMs: 90_000,
      },
    });
    expect(seen[0]?.[1]?.content).toContain(
      '`answer["content"]` must be JSON (text, or a dict or list) that satisfies this JSON Schema:\n\n```json\n{"type":"object"}\n```\n\nYou have at most 30 turns, 1,000 sub-calls, $1.00, 90 s of compute, 3,600 s of time.\n\n# Inputs',
    );
  });

  test.each([
    ['FINAL(It is clause 7.)', 'FINAL("It is clause 7.")'],
    ['Done.\n\nFINAL(One\n"two" (2)\nthree)', 'FINAL("One\\n\\"two\\" (2)\\nthree")'],
    ['FINAL("clause 7")', 'FINAL("clause 7")'],
    ['I am sure.\n**FINAL_VAR(report)**', 'FINAL_VAR("report")'],
    ['Then I will call FINAL(x) at the end.', undefined],
    ['FINAL()', undefined],
    ['FINAL("a" and "b")', String.raw`FINAL("\"a\" and \"b\"")`],
    ['FINAL_VAR(a + b)', undefined],
    ['FINAL(first)\nNo:\nFINAL(second)', 'FINAL("second")'],
  ])('what a reply without blocks says to be final is a cell: %j', async (text, cell) => {
    reply = text;
    expect((await take()).cells[0]?.text).toBe(cell);
  });

  test('a run that goes on from another is told the form of its own answer', async () => {
    const first = await take();
    await take({
      turn: 2,
      transcript: first.transcript,
      continues: { manifest: null },
      question: await putText(store, 'And why not?'),
      answerSchema: await putText(store, '{"type":"object"}'),
      budget: { turns: 31, calls: 1000, costUsd: 1, tokens: null, wallClockMs: null },
    });
    expect(seen[1]?.at(-1)?.content).toContain(
      'You have at most 30 turns, 1,000 sub-calls, $1.00.',
    );
    expect(seen[1]?.at(-1)?.content).toMatch(
      /And why not\?\n\n`answer\["content"\]` must now be JSON .*:\n\n```json\n\{"type":"object"\}\n```\n/,
    );
  });

  test('an empty reply is a reply without cells', async () => {
    reply = '';
    expect(await take()).toMatchObject({ cells: [], ignoredBlocks: [] });
  });

  test('a failure is thrown as it was classified, and nothing is recorded', async () => {
    fault = { kind: 'status', status: 401 };
    await expect(take()).rejects.toMatchObject({
      failure: {
        type: 'Model.Unauthorized',
        retryable: false,
        message: `${model.baseUrl} refused the API key (401): set OPENAI_API_KEY to a valid key.`,
      },
    });
    fault = undefined;
    expect(await take()).toMatchObject({ repeated: false });
  });

  test('a transcript beyond the context window is refused by its size', async () => {
    const card = await registry.card(null, 'root', { taskQueue: 'models' });
    await expect(take({ card: { ...card, contextTokens: 100 } })).rejects.toMatchObject({
      failure: {
        type: 'Model.Rejected',
        message: expect.stringMatching(
          /^The prompt has [\d,]+ characters, about [\d,]+ tokens, and stand-in-root takes 100 tokens: /,
        ),
      },
    });
    expect(model.requests).toEqual([]);
  });

  test('no key gets into the store', async () => {
    const keyed = loadRegistry({
      OPENAI_BASE_URL: model.baseUrl,
      RLM_MODEL: 'stand-in-root',
      OPENAI_API_KEY: 'sk-find-me',
    });
    const written: string[] = [];
    const watching: Store = {
      ...store,
      blobs: {
        ...store.blobs,
        put: async (bytes) => {
          written.push(Buffer.from(bytes).toString('utf8'));
          return await store.blobs.put(bytes);
        },
      },
    };
    registry = keyed;
    await take({}, watching);
    expect(written.length).toBeGreaterThan(2);
    expect(written.join('\n')).not.toContain('find-me');
  });
});
