import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Fault } from '../../examples/support/faults.ts';
import {
  startScriptedModel,
  type ScriptedModel,
  type ScriptedReply,
} from '../../examples/support/scripted-model.ts';
import { answerOne, loadRegistry, ModelError, type Registry } from '../../models/index.ts';
import { findCall } from '../../models/journal-calls.ts';
import {
  type AnswerCallInput,
  type AnswerCallResult,
  answerRecordKey,
  CallAnswer,
  type Digest,
  NO_USAGE,
} from '../../protocol/index.ts';
import { getJson, memoryStore, putJson, putText, type Store } from '../../store/index.ts';
import { dyingStore } from './failing-store.ts';
import { putRound } from './journal.ts';

const KEY = { workflowId: 'run-1', cell: '2.1', cellAttempt: 1 };
const USAGE = {
  inputTokens: 10,
  cachedInputTokens: 0,
  outputTokens: 5,
  costUsd: 0,
  estimated: false,
};

let store: Store;
let model: ScriptedModel;
let registry: Registry;
let reply: (prompt: string) => string | ScriptedReply | Promise<string | ScriptedReply>;
let fault: Fault | undefined;

beforeEach(async () => {
  store = memoryStore();
  fault = undefined;
  reply = (prompt) => ({ text: `about ${prompt}`, inputTokens: 10, outputTokens: 5 });
  model = await startScriptedModel({ sub: (prompt) => reply(prompt), fault: () => fault });
  registry = loadRegistry({
    OPENAI_BASE_URL: model.baseUrl,
    RLM_MODEL: 'stand-in-root',
    RLM_SUB_MODEL: 'stand-in-sub',
  });
});
afterEach(() => model.close());

async function input(journal: Digest, call: number): Promise<AnswerCallInput> {
  const card = await registry.card(null, 'sub', { taskQueue: 'models' });
  return { key: KEY, journal, call, card };
}

async function answer(journal: Digest, call: number, into = store): Promise<AnswerCallResult> {
  return await answerOne({ store: into, registry, input: await input(journal, call) });
}

async function stored(journal: Digest, call: number): Promise<CallAnswer | undefined> {
  const { request } = await findCall(store, journal, call);
  const digest = await store.records.find(answerRecordKey(KEY, call, request));
  return digest === undefined ? undefined : await getJson(store, digest, CallAnswer);
}

describe('answerOne', () => {
  test('sends the prompt, stores the answer, returns only its cost', async () => {
    const journal = await putRound(store, null, ['one', 'two']);
    expect(await answer(journal, 2)).toEqual({ status: 'ok', usage: USAGE, repeated: false });
    expect(await stored(journal, 2)).toEqual({
      status: 'ok',
      text: 'about two',
      model: 'stand-in-sub',
      finishReason: 'stop',
      usage: USAGE,
    });
    expect(await stored(journal, 1)).toBeUndefined();
  });

  test('run again, it finds its answer, pays nothing and reports the same cost', async () => {
    const journal = await putRound(store, null, ['one']);
    await answer(journal, 1);
    expect(await answer(journal, 1)).toEqual({ status: 'ok', usage: USAGE, repeated: true });
    expect(model.requests).toHaveLength(1);
  });

  test('equal prompts are separate calls', async () => {
    const journal = await putRound(store, null, ['vote', 'vote']);
    await answer(journal, 1);
    expect(await answer(journal, 2)).toMatchObject({ repeated: false });
    expect(model.requests).toHaveLength(2);
  });

  test('finds a call of an earlier round behind deliveries', async () => {
    const first = await putRound(store, null, ['one', 'two']);
    const delivery = await putJson(store, {
      kind: 'delivery',
      previous: first,
      clockMs: 1,
      answers: [{ call: 1, answer: first }],
    });
    const newest = await putRound(store, delivery.digest, ['three'], { first: 3 });
    await answer(newest, 2);
    await answer(newest, 3);
    expect(await stored(newest, 2)).toMatchObject({ text: 'about two' });
    expect(await stored(newest, 3)).toMatchObject({ text: 'about three' });
  });

  test('a call that the journal does not hold is an error of the engine', async () => {
    const journal = await putRound(store, null, ['one']);
    await expect(answer(journal, 7)).rejects.toThrow(
      new Error(`the journal ${journal} has no call 7`),
    );
  });

  test('a round of many calls is read from the store once', async () => {
    const journal = await putRound(
      store,
      null,
      Array.from({ length: 50 }, (_, at) => `p${at}`),
    );
    let reads = 0;
    const counting: Store = {
      ...store,
      blobs: {
        ...store.blobs,
        get: async (digest) => {
          if (digest === journal) reads += 1;
          return await store.blobs.get(digest);
        },
      },
    };
    await Promise.all(Array.from({ length: 50 }, (_, at) => answer(journal, at + 1, counting)));
    expect(reads).toBe(1);
    expect(model.requests).toHaveLength(50);
  });

  test('a death between answer and record: the next attempt pays again and records', async () => {
    const journal = await putRound(store, null, ['one']);
    await expect(answer(journal, 1, dyingStore(store, 'beforeRecord'))).rejects.toThrow(
      'the process died',
    );
    expect(await stored(journal, 1)).toBeUndefined();
    expect(await answer(journal, 1)).toMatchObject({ repeated: false });
    expect(model.requests).toHaveLength(2);
    expect(await stored(journal, 1)).toMatchObject({ text: 'about one' });
  });

  test('a death between record and completion: the next attempt pays nothing', async () => {
    const journal = await putRound(store, null, ['one']);
    await expect(answer(journal, 1, dyingStore(store, 'afterRecord'))).rejects.toThrow(
      'the process died',
    );
    expect(await answer(journal, 1)).toEqual({ status: 'ok', usage: USAGE, repeated: true });
    expect(model.requests).toHaveLength(1);
  });

  test('of two attempts that race the first to record wins; the other counts both costs', async () => {
    const journal = await putRound(store, null, ['one']);
    const waiting: ((text: string) => void)[] = [];
    const bothAsked = Promise.withResolvers<void>();
    reply = async () => {
      const mine = Promise.withResolvers<string>();
      waiting.push(mine.resolve);
      if (waiting.length === 2) bothAsked.resolve();
      return { text: await mine.promise, inputTokens: 10, outputTokens: 5 };
    };
    const attempts = [answer(journal, 1), answer(journal, 1)];
    await bothAsked.promise;
    waiting[0]?.('first');
    const winner = await Promise.race(attempts);
    waiting[1]?.('second');
    const results = await Promise.all(attempts);
    expect(winner).toEqual({ status: 'ok', usage: USAGE, repeated: false });
    expect(results).toContainEqual({
      status: 'ok',
      usage: { ...USAGE, inputTokens: 20, outputTokens: 10 },
      repeated: false,
    });
    expect(await stored(journal, 1)).toMatchObject({ text: 'first' });
  });

  test('a rejected call is a failed answer, stored like any other', async () => {
    const journal = await putRound(store, null, ['bad']);
    fault = { kind: 'status', status: 400, error: { message: 'policy', code: 'content_filter' } };
    expect(await answer(journal, 1)).toEqual({
      status: 'failed',
      usage: NO_USAGE,
      repeated: false,
    });
    fault = undefined;
    expect(await answer(journal, 1)).toEqual({ status: 'failed', usage: NO_USAGE, repeated: true });
    expect(await stored(journal, 1)).toEqual({
      status: 'failed',
      type: 'Model.Rejected',
      message: `stand-in-sub at ${model.baseUrl} rejected the call (400): 400 policy`,
    });
  });

  test.each<[string, ScriptedReply, string]>([
    [
      'a content filter',
      { text: 'half of', finishReason: 'content_filter' },
      "The provider's content filter stopped the answer of stand-in-sub.",
    ],
    ['a refusal', { text: '', refusal: 'No.' }, 'stand-in-sub refused: No.'],
    [
      'thoughts up to the limit',
      { text: '', finishReason: 'length' },
      'stand-in-sub used all of its 100000 output tokens without an answer: ask for less at once.',
    ],
  ])('%s is a failed answer, with what it cost', async (_, given, message) => {
    const journal = await putRound(store, null, ['q']);
    reply = () => ({ ...given, inputTokens: 10, outputTokens: 5 });
    expect(await answer(journal, 1)).toEqual({ status: 'failed', usage: USAGE, repeated: false });
    expect(await answer(journal, 1)).toEqual({ status: 'failed', usage: USAGE, repeated: true });
    expect(await stored(journal, 1)).toEqual({
      status: 'failed',
      type: 'Model.Rejected',
      message,
      usage: USAGE,
    });
  });

  test('a prompt that cannot fit is refused by its size, and nothing is sent', async () => {
    const journal = await putRound(store, null, ['word '.repeat(601).trim()]);
    const { card, ...rest } = await input(journal, 1);
    await answerOne({ store, registry, input: { ...rest, card: { ...card, contextTokens: 100 } } });
    expect(model.requests).toEqual([]);
    expect(await stored(journal, 1)).toEqual({
      status: 'failed',
      type: 'Model.Rejected',
      message:
        'The prompt has 3,004 characters, about 601 tokens, and stand-in-sub takes 100 tokens: split it, about 200 characters a call.',
    });
  });

  test('an unknown model name is a failed answer that lists the known ones', async () => {
    const journal = await putRound(store, null, ['q'], { model: 'gpt-99' });
    expect(await answer(journal, 1)).toMatchObject({ status: 'failed' });
    expect(await stored(journal, 1)).toEqual({
      status: 'failed',
      type: 'InvalidInput',
      message:
        'Unknown model "gpt-99": known are stand-in-root, stand-in-sub (RLM_MODEL, RLM_SUB_MODEL and RLM_MODELS add names).',
    });
  });

  test('a sub-run at the depth limit is a sub-call that carries its context', async () => {
    const { digest: blob } = await putText(store, 'the whole\ncontract');
    const context = { format: 'text', blob } as const;
    const request = { kind: 'rlm', prompt: 'Sum it up.', model: null, context } as const;
    const { digest } = await putJson(store, request);
    const call = { number: 1, kind: 'rlm', request: digest, preview: '' } as const;
    const round = await putJson(store, { kind: 'round', previous: null, calls: [call] });
    await answer(round.digest, 1);
    expect(await stored(round.digest, 1)).toMatchObject({
      text: 'about Sum it up.\n\n<context>\nthe whole\ncontract\n</context>',
    });
  });

  test('a call may name another model', async () => {
    const journal = await putRound(store, null, ['q'], { model: 'stand-in-root' });
    await answer(journal, 1);
    expect(model.requests.map((request) => request.model)).toEqual(['stand-in-root']);
  });

  test.each<[string, Fault, string, boolean]>([
    ['a refused key', { kind: 'status', status: 401 }, 'Model.Unauthorized', false],
    ['an unknown address', { kind: 'status', status: 404 }, 'Model.NotFound', false],
    ['too many calls', { kind: 'status', status: 429 }, 'Model.RateLimited', true],
    ['an outage', { kind: 'status', status: 503 }, 'Model.Unavailable', true],
    ['a reset', { kind: 'reset' }, 'Model.Unavailable', true],
  ])('%s concerns every call: thrown, nothing stored', async (_, given, type, retryable) => {
    const journal = await putRound(store, null, ['q']);
    fault = given;
    const error: unknown = await answer(journal, 1).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ModelError);
    expect(error).toMatchObject({ failure: { type, retryable } });
    expect(await stored(journal, 1)).toBeUndefined();
  });
});
