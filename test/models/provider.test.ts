import { afterEach, describe, expect, test } from '@jest/globals';
import type { Fault } from '../../examples/support/faults.ts';
import {
  startScriptedModel,
  type ScriptedModel,
  type ScriptedReply,
} from '../../examples/support/scripted-model.ts';
import { ModelError } from '../../models/model-failure.ts';
import { completeChat, type CallProgress, type ChatReply } from '../../models/provider.ts';
import type { ModelCard } from '../../protocol/index.ts';

const CARD: ModelCard = {
  name: 'm-sub',
  model: 'm-sub',
  contextTokens: 1000,
  maxOutputTokens: 100,
  prices: { inputUsdPerMTok: 2, cachedInputUsdPerMTok: 1, outputUsdPerMTok: 10 },
  timeoutMs: 20_000,
  taskQueue: 'models',
  standIn: false,
};
const TEXT = 'Ä1😀'.repeat(500);

let model: ScriptedModel | undefined;
afterEach(async () => {
  await model?.close();
  model = undefined;
});

interface Setting {
  reply?: string | ScriptedReply;
  fault?: Fault;
  card?: Partial<ModelCard>;
  signal?: AbortSignal;
  onProgress?: (progress: CallProgress) => void;
}

async function call({
  reply = TEXT,
  fault,
  card,
  signal,
  onProgress,
}: Setting): Promise<ChatReply> {
  model ??= await startScriptedModel({ sub: () => reply, fault: () => fault });
  return await completeChat({
    card: { ...CARD, ...card },
    endpoint: {
      baseUrl: model.baseUrl,
      apiKey: 'sk-key',
      keyVariable: 'OPENAI_API_KEY',
      outputLimitField: 'max_tokens',
      parameters: {},
    },
    messages: [{ role: 'user', content: 'hello' }],
    signal,
    onProgress,
  });
}

async function failureOf(setting: Setting): Promise<unknown> {
  const outcome = await call(setting).catch((error: unknown) => error);
  if (outcome instanceof ModelError) return outcome.failure;
  throw new Error('no ModelError', { cause: outcome });
}

const at = (): string => `m-sub at ${model?.baseUrl}`;

describe('completeChat', () => {
  test('gives text, model, finish reason, and what the provider counted', async () => {
    const reply = { text: TEXT, inputTokens: 1000, cachedTokens: 400, outputTokens: 50 };
    expect(await call({ reply })).toEqual({
      text: TEXT,
      finishReason: 'stop',
      model: 'stand-in-sub',
      usage: {
        inputTokens: 1000,
        cachedInputTokens: 400,
        outputTokens: 50,
        costUsd: (600 * 2 + 400 * 1 + 50 * 10) / 1e6,
        estimated: false,
      },
    });
  });

  test('tells its progress at each chunk', async () => {
    const seen: CallProgress[] = [];
    await call({ onProgress: (progress) => seen.push(progress) });
    expect(seen.length).toBeGreaterThan(3);
    expect(seen.at(-1)).toEqual({
      chunks: seen.length,
      outputChars: TEXT.length,
      reasoningChars: 0,
    });
  });

  test('counts for itself when the provider does not, and says so', async () => {
    const { usage } = await call({
      fault: { kind: 'noUsage' },
      reply: 'The liability is capped at fees paid.',
    });
    expect(usage).toEqual({
      inputTokens: 1,
      cachedInputTokens: 0,
      outputTokens: 8,
      costUsd: (1 * 2 + 8 * 10) / 1e6,
      estimated: true,
    });
  });

  test('a model without known prices costs nothing that could be counted on', async () => {
    const { usage } = await call({ card: { prices: null } });
    expect(usage).toMatchObject({ costUsd: 0, estimated: true });
  });

  test('a reply cut off by the output limit is a reply', async () => {
    const reply = { text: 'half', finishReason: 'length' };
    expect(await call({ reply })).toMatchObject({ text: 'half', finishReason: 'length' });
  });

  test('what a model writes while it thinks is kept apart from its answer', async () => {
    const reply = { text: 'yes', reasoning: 'Let me see.' };
    expect(await call({ reply })).toMatchObject({ text: 'yes', reasoning: 'Let me see.' });
  });

  test('a refusal in words is named as one', async () => {
    const reply = { text: '', refusal: 'I cannot help with that.' };
    expect(await call({ reply })).toMatchObject({
      text: 'I cannot help with that.',
      finishReason: 'refusal',
    });
  });

  test.each<[string, Fault, string, () => string]>([
    [
      '500',
      { kind: 'status', status: 500 },
      'Model.Unavailable',
      () => `${at()} is not available (500): 500 scripted 500`,
    ],
    [
      '503 in plain text',
      { kind: 'status', status: 503, error: 'over capacity' },
      'Model.Unavailable',
      () => `${at()} is not available (503): 503 over capacity`,
    ],
    [
      'a reset',
      { kind: 'reset' },
      'Model.Unavailable',
      () =>
        `No connection to the model at ${model?.baseUrl} (UND_ERR_SOCKET): check that it runs and that the base URL is right.`,
    ],
    [
      'a stream cut by a reset',
      { kind: 'cut', clean: false },
      'Model.Unavailable',
      () => `${at()} broke off its answer (terminated).`,
    ],
    [
      'a stream that ends early',
      { kind: 'cut', clean: true },
      'Model.Unavailable',
      () => `${at()} closed the stream before the end of its answer.`,
    ],
    [
      'a stream of no JSON',
      { kind: 'malformed' },
      'Model.Unavailable',
      () =>
        `${at()} broke off its answer (Error reading response: malformed server-sent event JSON.).`,
    ],
    [
      'a page of HTML',
      { kind: 'html' },
      'Model.Unavailable',
      () => `${at()} sent no stream: check that the base URL is that of an OpenAI-compatible API.`,
    ],
    [
      'empty choices',
      { kind: 'emptyChoices' },
      'Model.Unavailable',
      () => `${at()} closed the stream before the end of its answer.`,
    ],
    [
      'an error event',
      { kind: 'errorEvent', error: { code: 'rate_limit_exceeded', message: 'slow down' } },
      'Model.RateLimited',
      () => `${at()} asks for fewer calls: slow down`,
    ],
  ])('%s: sent once, to be retried', async (_, fault, type, message) => {
    expect(await failureOf({ fault })).toEqual({ type, retryable: true, message: message() });
    expect(model?.requests).toHaveLength(1);
  });

  test('429 carries the wait that the provider asked for, and is sent once', async () => {
    const fault = { kind: 'status', status: 429, headers: { 'retry-after-ms': '1500' } } as const;
    expect(await failureOf({ fault })).toEqual({
      type: 'Model.RateLimited',
      retryable: true,
      message: `${at()} asks for fewer calls (429).`,
      nextRetryDelayMs: 1500,
    });
    expect(model?.requests).toHaveLength(1);
  });

  test.each([
    ['no answer', { kind: 'hang' }],
    ['a slow drip', { kind: 'drip', everyMs: 20 }],
  ] as const)('%s: ends at the time limit of the card', async (_, fault) => {
    expect(await failureOf({ fault, card: { timeoutMs: 300 } })).toEqual({
      type: 'Model.Timeout',
      retryable: true,
      message: `${at()} did not finish its answer within 0.3 s.`,
    });
    expect(model?.requests).toHaveLength(1);
  });

  test('a cancelled call ends with the reason of its signal, in mid-answer too', async () => {
    const controller = new AbortController();
    const reason = new Error('the run was cancelled');
    const outcome = call({
      fault: { kind: 'drip', everyMs: 5 },
      signal: controller.signal,
      onProgress: ({ chunks }) => chunks > 3 && controller.abort(reason),
    });
    await expect(outcome).rejects.toBe(reason);
    expect(model?.requests[0]?.answered).toBe(false);
  });

  test('a call that was cancelled before it began sends nothing', async () => {
    model = await startScriptedModel({ sub: () => TEXT });
    const reason = new Error('too late');
    await expect(call({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(model.requests).toEqual([]);
  });
});
