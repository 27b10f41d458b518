import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ScriptedModel, startScriptedModel } from '../../examples/support/scripted-model.ts';
import {
  answerOne,
  findSubRunAnswer,
  loadRegistry,
  recordSubRunAnswer,
  type Registry,
} from '../../models/index.ts';
import { AllowanceTooSmall, withinAllowance } from '../../models/within-allowance.ts';
import { findCall } from '../../models/journal-calls.ts';
import {
  type AnswerCallInput,
  type AnswerCallResult,
  answerRecordKey,
  CallAnswer,
  NO_USAGE,
} from '../../protocol/index.ts';
import { getJson, memoryStore, putText, type Store, StoreUnavailable } from '../../store/index.ts';
import { whileUnavailable } from '../../models/while-unavailable.ts';
import { fullStore } from './failing-store.ts';
import { putRound } from './journal.ts';

// Scope: what a call may cost, and who pays for an answer that several calls share.

const KEY = { workflowId: 'run-1', cell: '2.1', cellAttempt: 1 };
const PRICES = { inputUsdPerMTok: 1, cachedInputUsdPerMTok: 1, outputUsdPerMTok: 10 };

let store: Store;
let model: ScriptedModel;
let registry: Registry;
let status: number;

beforeEach(async () => {
  store = memoryStore();
  status = 200;
  model = await startScriptedModel({
    sub: (prompt) => `about ${prompt}`,
    fault: () => (status === 200 ? undefined : { kind: 'status', status }),
  });
  registry = loadRegistry({ OPENAI_BASE_URL: model.baseUrl, RLM_MODEL: 'a', RLM_SUB_MODEL: 'b' });
});
afterEach(() => model.close());

async function ask(
  journal: AnswerCallInput['journal'],
  call: number,
  changes: Partial<AnswerCallInput> = {},
): Promise<AnswerCallResult> {
  const card = await registry.card(null, 'sub', { taskQueue: 'models' });
  const priced = { ...card, prices: PRICES, maxOutputTokens: 10_000 };
  const input = { key: KEY, journal, call, card: priced, ...changes };
  return await answerOne({ store, registry, input });
}

describe('a call with an allowance', () => {
  test('that does not pay for it is not sent, and says what it needs', async () => {
    const journal = await putRound(store, null, ['x'.repeat(1000)]);
    const allowance = { costUsd: 0.01, tokens: null };
    const failure = await ask(journal, 1, { allowance }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(AllowanceTooSmall);
    // 1,016 tokens of prompt at most, and 2,048 of output at least.
    expect(failure).toMatchObject({
      needed: { costUsd: 0.021496, tokens: 3064 },
      message:
        'b was not asked: the call may cost $0.0215 and take 3064 tokens, more than it was given.',
    });
    expect(model.requests).toEqual([]);
  });

  test('is sent with an output limit that the allowance pays for', async () => {
    const card = await registry.card(null, 'sub', { taskQueue: 'models' });
    const priced = { ...card, prices: PRICES, maxOutputTokens: 10_000 };
    // $0.001 for the prompt; the rest pays for 4,900 tokens.
    const cut = withinAllowance(priced, 1000, { costUsd: 0.05, tokens: null });
    expect(cut).toEqual({ ...priced, maxOutputTokens: 4900 });
  });

  test('finds its stored answer whatever it is allowed', async () => {
    const journal = await putRound(store, null, ['one']);
    await ask(journal, 1);
    const found = await ask(journal, 1, { allowance: { costUsd: 0, tokens: 0 } });
    expect(found).toMatchObject({ status: 'ok', repeated: true });
  });
});

describe('equal prompts of a run that asks each once', () => {
  const cache = 'run';

  test('are sent once, and paid by the first', async () => {
    const journal = await putRound(store, null, ['vote', 'vote', 'other']);
    const first = await ask(journal, 1, { cache });
    const second = await ask(journal, 2, { cache });
    await ask(journal, 3, { cache });
    expect([first.repeated, second.repeated]).toEqual([false, true]);
    expect(first.usage.costUsd).toBeGreaterThan(0);
    expect(second.usage).toEqual(NO_USAGE);
    expect(model.requests).toHaveLength(2);
  });

  test('are found in later rounds and cells too, but not by another run', async () => {
    const journal = await putRound(store, null, ['vote']);
    await ask(journal, 1, { cache });
    await ask(journal, 1, { cache, key: { ...KEY, cell: '3.1' } });
    expect(model.requests).toHaveLength(1);
    await ask(journal, 1, { cache, key: { ...KEY, workflowId: 'run-2' } });
    expect(model.requests).toHaveLength(2);
  });

  test('cost the first one the same when it is asked again, as after a crash or reset', async () => {
    const journal = await putRound(store, null, ['vote']);
    const first = await ask(journal, 1, { cache });
    const again = await ask(journal, 1, { cache });
    expect(again).toEqual({ ...first, repeated: true });
  });

  test('are asked again when the first one was refused', async () => {
    const journal = await putRound(store, null, ['vote', 'vote']);
    status = 400;
    expect(await ask(journal, 1, { cache })).toMatchObject({ status: 'failed' });
    status = 200;
    expect(await ask(journal, 2, { cache })).toMatchObject({ status: 'ok', repeated: false });
  });
});

describe('the answer of a sub-run', () => {
  test('is found again with all that it cost', async () => {
    const journal = await putRound(store, null, ['a task']);
    const at = { key: KEY, journal, call: 1 };
    expect(await findSubRunAnswer(store, at)).toEqual({ spend: null });
    const { digest } = await putText(store, 'the answer');
    const spend = { turns: 3, calls: 4, usage: { ...NO_USAGE, costUsd: 0.2 }, computeMs: 50 };
    await recordSubRunAnswer(store, { ...at, text: digest, model: 'a', spend });
    await recordSubRunAnswer(store, { ...at, text: digest, model: 'a', spend });
    expect(await findSubRunAnswer(store, at)).toEqual({ spend });
  });

  test.each([
    [undefined, 'stop'],
    ['answered', 'stop'],
    ['turns', 'partial: turns'],
  ] as const)('of one that ended by %s has the finish reason "%s"', async (reason, expected) => {
    const journal = await putRound(store, null, ['a task']);
    const { digest } = await putText(store, 'the answer');
    const spend = { turns: 3, calls: 4, usage: NO_USAGE, computeMs: 50 };
    const at = { key: KEY, journal, call: 1 };
    await recordSubRunAnswer(store, {
      ...at,
      text: digest,
      model: 'a',
      spend,
      ...(reason === undefined ? {} : { reason }),
    });
    const { request } = await findCall(store, journal, 1);
    const record = await store.records.find(answerRecordKey(KEY, 1, request));
    expect(await getJson(store, record ?? '', CallAnswer)).toMatchObject({
      text: 'the answer',
      finishReason: expected,
    });
  });
});

describe('an answer that comes while the store is full', () => {
  test('is kept in hand until it can be stored: nobody is asked again', async () => {
    const journal = await putRound(store, null, ['one']);
    let refused = 0;
    const full = fullStore(store, () => ++refused <= 2);
    const card = await registry.card(null, 'sub', { taskQueue: 'models' });
    const input = { key: KEY, journal, call: 1, card };
    const answered = await answerOne({ store: full, registry, input });
    expect(answered).toMatchObject({ status: 'ok', repeated: false });
    expect(refused).toBeGreaterThan(2);
    expect(await ask(journal, 1)).toMatchObject({ status: 'ok', repeated: true });
    expect(model.requests).toHaveLength(1);
  });

  test('is given up when the call is cancelled', async () => {
    const journal = await putRound(store, null, ['one']);
    const controller = new AbortController();
    const full = fullStore(store, () => {
      setImmediate(() => controller.abort());
      return true;
    });
    const card = await registry.card(null, 'sub', { taskQueue: 'models' });
    const input = { key: KEY, journal, call: 1, card };
    const asked = answerOne({ store: full, registry, input, signal: controller.signal });
    await expect(asked).rejects.toThrow('aborted');
    expect(model.requests).toHaveLength(1);
  });
});

test('a store that stays unavailable is an error in the end', async () => {
  const failure = new StoreUnavailable('a store', 'ENOSPC', 'full');
  const work = (): Promise<never> => Promise.reject(failure);
  await expect(whileUnavailable(work, undefined, 50)).rejects.toBe(failure);
});
