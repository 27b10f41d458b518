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
          /^The prompt has [\d,]+ characters, stand-in-root takes about 400 \(100 tokens\): /,
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
