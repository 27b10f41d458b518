import { afterEach, describe, expect, test } from '@jest/globals';
import {
  answerOne,
  loadRegistry,
  ModelError,
  type Registry,
  takeTurn,
} from '../../models/index.ts';
import {
  type AnswerCallResult,
  type Digest,
  type ModelCard,
  NO_USAGE,
  type NextTurnResult,
} from '../../protocol/index.ts';
import { memoryStore, putJson, putText, type Store } from '../../store/index.ts';
import {
  type FaultServer,
  type SeenRequest,
  type Served,
  startFaultServer,
} from '../support/fault-server.ts';
import { putRound } from './journal.ts';

const KEY = { workflowId: 'run-1', cell: '1.1', cellAttempt: 1 };
const USAGE = { ...NO_USAGE, inputTokens: 10, outputTokens: 5 };
const GOOD: Served = { kind: 'reply', text: 'Twelve months.' };
/** Of calls that never end by themselves. */
const TIMEOUT_MS = 400;

let server: FaultServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

interface World {
  store: Store;
  registry: Registry;
  journal: Digest;
  call(attempt?: number): Promise<AnswerCallResult>;
  turn(): Promise<NextTurnResult>;
}

async function open(
  serve: (request: SeenRequest, number: number) => Served,
  timeoutMs = 20_000,
): Promise<World> {
  const store = memoryStore();
  server = await startFaultServer(serve);
  const registry = loadRegistry({ OPENAI_BASE_URL: server.baseUrl, RLM_MODEL: 'm' });
  const journal = await putRound(store, null, ['How long?']);
  const cardOf = async (role: 'root' | 'sub'): Promise<ModelCard> => ({
    ...(await registry.card(null, role, { taskQueue: 'models' })),
    prices: { inputUsdPerMTok: 0, cachedInputUsdPerMTok: 0, outputUsdPerMTok: 0 },
    timeoutMs,
  });
  return {
    store,
    registry,
    journal,
    call: async (attempt = 1) =>
      answerOne({
        store,
        registry,
        attempt,
        input: { key: KEY, journal, call: 1, card: await cardOf('sub') },
      }),
    turn: async () =>
      takeTurn({
        store,
        registry,
        input: {
          workflowId: 'run-1',
          turn: 1,
          card: await cardOf('root'),
          subModel: 'm',
          question: await putText(store, 'How long is the term?'),
          manifest: (await putJson(store, { entries: [] })).digest,
          depth: 0,
          maxDepth: 1,
          transcript: null,
          observation: null,
        },
      }),
  };
}

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  const outcome = await call.catch((error: unknown) => error);
  if (outcome instanceof ModelError) return outcome.failure;
  throw new Error('no ModelError', { cause: outcome });
}

const status = (code: number, headers?: Record<string, string>): Served => ({
  kind: 'status',
  status: code,
  ...(headers && { headers }),
});

const RETRIED: [string, Served, string, number | undefined][] = [
  ['429 without Retry-After', status(429), 'Model.RateLimited', undefined],
  ['429 with Retry-After', status(429, { 'retry-after': '7' }), 'Model.RateLimited', 7_000],
  [
    '429 with retry-after-ms',
    status(429, { 'retry-after-ms': '250', 'retry-after': '7' }),
    'Model.RateLimited',
    250,
  ],
  ['500', status(500), 'Model.Unavailable', undefined],
  ['503 with Retry-After', status(503, { 'retry-after': '2' }), 'Model.Unavailable', 2_000],
  ['no answer', { kind: 'hang' }, 'Model.Timeout', undefined],
  ['a slow drip', { kind: 'drip', everyMs: 100 }, 'Model.Timeout', undefined],
  ['a stream cut off', { kind: 'cut', clean: false }, 'Model.Unavailable', undefined],
  ['a stream that ends early', { kind: 'cut', clean: true }, 'Model.Unavailable', undefined],
  ['malformed JSON', { kind: 'malformed' }, 'Model.Unavailable', undefined],
  ['another content type', { kind: 'html' }, 'Model.Unavailable', undefined],
  ['a connection reset', { kind: 'reset' }, 'Model.Unavailable', undefined],
  ['empty choices', { kind: 'emptyChoices' }, 'Model.Unavailable', undefined],
  [
    'an error in mid-answer',
    { kind: 'errorEvent', error: { code: 'server_error', message: 'overloaded' } },
    'Model.Unavailable',
    undefined,
  ],
];

describe('a fault that may pass', () => {
  test.each(RETRIED)(
    'sub-call, %s: one request an attempt, then the answer, which is asked for once',
    async (_, fault, type, delay) => {
      const world = await open((__, number) => (number === 1 ? fault : GOOD), timeoutOf(fault));
      expect(await failureOf(world.call())).toEqual({
        type,
        retryable: true,
        message: expect.any(String),
        ...(delay === undefined ? {} : { nextRetryDelayMs: delay }),
      });
      expect(server?.requests).toHaveLength(1);
      // What the limiter learnt of a 429 is its own matter: see its tests.
      const again = { ...world, registry: loadRegistryAgain() };
      expect(await callAgain(again)).toEqual({ status: 'ok', usage: USAGE, repeated: false });
      expect(await callAgain(again)).toEqual({ status: 'ok', usage: USAGE, repeated: true });
      expect(server?.requests).toHaveLength(2);
    },
  );

  test.each(RETRIED)(
    'turn, %s: one request an attempt, then the reply, which is asked for once',
    async (_, fault, type) => {
      const world = await open((__, number) => (number === 1 ? fault : GOOD), timeoutOf(fault));
      expect(await failureOf(world.turn())).toMatchObject({ type, retryable: true });
      expect(server?.requests).toHaveLength(1);
      if (type === 'Model.RateLimited') return;
      expect(await world.turn()).toMatchObject({ repeated: false, finishReason: 'stop' });
      expect(await world.turn()).toMatchObject({ repeated: true });
      expect(server?.requests).toHaveLength(2);
    },
  );

  function loadRegistryAgain(): Registry {
    return loadRegistry({ OPENAI_BASE_URL: server?.baseUrl, RLM_MODEL: 'm' });
  }

  async function callAgain({ store, registry, journal }: World): Promise<AnswerCallResult> {
    const card = await registry.card(null, 'sub', { taskQueue: 'models' });
    const prices = { inputUsdPerMTok: 0, cachedInputUsdPerMTok: 0, outputUsdPerMTok: 0 };
    const input = { key: KEY, journal, call: 1, card: { ...card, prices } };
    return await answerOne({ store, registry, input, attempt: 2 });
  }
});

describe('a fault that stays', () => {
  test.each<[string, Served, string]>([
    ['401', status(401), 'Model.Unauthorized'],
    ['403', status(403), 'Model.Unauthorized'],
    ['404', status(404), 'Model.NotFound'],
    [
      'no quota',
      { kind: 'status', status: 429, error: { code: 'insufficient_quota', message: 'pay' } },
      'Model.RateLimited',
    ],
  ])('%s: one request, and no attempt more', async (_, fault, type) => {
    const world = await open(() => fault);
    expect(await failureOf(world.call())).toMatchObject({ type, retryable: false });
    expect(server?.requests).toHaveLength(1);
  });

  test.each<[string, Served]>([
    ['400', status(400)],
    ['422', status(422)],
    ['413', status(413)],
  ])(
    '%s is the failed answer of this call: one request, however often it is run',
    async (_, fault) => {
      const world = await open(() => fault);
      expect(await world.call()).toEqual({ status: 'failed', usage: NO_USAGE, repeated: false });
      expect(await world.call()).toEqual({ status: 'failed', usage: NO_USAGE, repeated: true });
      expect(server?.requests).toHaveLength(1);
    },
  );
});

describe('a reply that is none', () => {
  test('cut off by the output limit: an answer that says so, one request', async () => {
    const world = await open(() => ({ kind: 'reply', text: 'Twelve mo', finishReason: 'length' }));
    expect(await world.call()).toMatchObject({ status: 'ok' });
    expect(server?.requests).toHaveLength(1);
  });

  test('thoughts up to the output limit: a failed answer, one request', async () => {
    const thoughts: Served = { kind: 'reply', text: '', reasoning: 'Hm.', finishReason: 'length' };
    const world = await open(() => thoughts);
    expect(await world.call()).toEqual({ status: 'failed', usage: USAGE, repeated: false });
    expect(server?.requests).toHaveLength(1);
  });

  test.each<[string, Served]>([
    ['nothing', { kind: 'reply', text: '' }],
    ['nothing but thoughts', { kind: 'reply', text: '', reasoning: 'Hm.' }],
    ['thoughts in the text', { kind: 'reply', text: '<think>\nHm.\n</think>\n' }],
    ['thoughts that do not end', { kind: 'reply', text: '<think>\nHm.' }],
  ])('%s: asked once more; then the answer, and what both cost', async (_, empty) => {
    const world = await open((__, number) => (number === 1 ? empty : GOOD));
    const usage = { ...USAGE, inputTokens: 20, outputTokens: 10 };
    expect(await world.call()).toEqual({ status: 'ok', usage, repeated: false });
    expect(await world.call()).toEqual({ status: 'ok', usage, repeated: true });
    expect(server?.requests).toHaveLength(2);
  });

  test('nothing, twice: a failed answer with what both cost', async () => {
    const world = await open(() => ({ kind: 'reply', text: ' ' }));
    const usage = { ...USAGE, inputTokens: 20, outputTokens: 10 };
    expect(await world.call()).toEqual({ status: 'failed', usage, repeated: false });
    expect(server?.requests).toHaveLength(2);
  });

  test('nothing, and then an outage: the failed answer keeps what was paid', async () => {
    const world = await open((_, number) =>
      number === 1 ? { kind: 'reply', text: '' } : status(503),
    );
    expect(await world.call()).toEqual({ status: 'failed', usage: USAGE, repeated: false });
    expect(server?.requests).toHaveLength(2);
  });

  test.each<[string, Served, string]>([
    ['empty', { kind: 'reply', text: '' }, 'empty'],
    ['thoughts', { kind: 'reply', text: '<think>Hm.</think>' }, 'thoughts'],
    ['cut off', { kind: 'reply', text: 'First I', finishReason: 'length' }, 'length'],
  ])('a turn that is %s is told apart, one request', async (_, served, finishReason) => {
    const world = await open(() => served);
    expect(await world.turn()).toMatchObject({ finishReason, cells: [] });
    expect(server?.requests).toHaveLength(1);
  });
});

function timeoutOf(fault: Served): number {
  return fault.kind === 'hang' || fault.kind === 'drip' ? TIMEOUT_MS : 20_000;
}
