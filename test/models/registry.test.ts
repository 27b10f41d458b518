import { createServer } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { startScriptedModel, type ScriptedModel } from '../../examples/support/scripted-model.ts';
import { ModelError } from '../../models/model-failure.ts';
import { loadRegistry } from '../../models/registry.ts';

const QUEUE = { taskQueue: 'models' };

let model: ScriptedModel | undefined;
afterEach(async () => {
  await model?.close();
  model = undefined;
});

const failureOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    if (error instanceof ModelError) return error.failure;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('loadRegistry', () => {
  test('models that somebody named have queues of their own, all others share one', async () => {
    const registry = loadRegistry({ OPENAI_API_KEY: 'sk-1', RLM_MODELS: 'my-model' });
    expect(registry.queues('q').map(({ taskQueue }) => taskQueue)).toEqual([
      'q',
      'q-gpt-5',
      'q-gpt-5-mini',
      'q-my-model',
    ]);
    expect(await registry.card('o3', 'root', { taskQueue: 'q' })).toMatchObject({ taskQueue: 'q' });
  });

  test('a key is enough', async () => {
    const registry = loadRegistry({ OPENAI_API_KEY: 'sk-1' });
    expect(await registry.card(null, 'root', QUEUE)).toEqual({
      name: 'gpt-5',
      model: 'gpt-5',
      contextTokens: 400_000,
      maxOutputTokens: 128_000,
      prices: { inputUsdPerMTok: 1.25, cachedInputUsdPerMTok: 0.125, outputUsdPerMTok: 10 },
      timeoutMs: 600_000,
      taskQueue: 'models-gpt-5',
      standIn: false,
    });
    expect(await registry.card(null, 'sub', QUEUE)).toMatchObject({
      name: 'gpt-5-mini',
      timeoutMs: 300_000,
    });
  });

  test('no card holds the key', async () => {
    const registry = loadRegistry({ OPENAI_API_KEY: 'sk-very-secret' });
    const cards = await Promise.all(
      registry.names.map((name) => registry.card(name, 'sub', QUEUE)),
    );
    expect(JSON.stringify(cards)).not.toContain('secret');
    expect(JSON.stringify(registry)).not.toContain('secret');
  });

  test('a dated snapshot has the limits and prices of its model, an unknown model conservative ones', async () => {
    const registry = loadRegistry({
      OPENAI_API_KEY: 'k',
      RLM_MODEL: 'gpt-4o-2024-08-06',
      RLM_SUB_MODEL: 'my-model',
    });
    expect(await registry.card(null, 'root', QUEUE)).toMatchObject({
      model: 'gpt-4o-2024-08-06',
      contextTokens: 128_000,
      prices: { outputUsdPerMTok: 10 },
    });
    expect(await registry.card(null, 'sub', QUEUE)).toMatchObject({
      model: 'my-model',
      contextTokens: 128_000,
      maxOutputTokens: 8_192,
      prices: null,
    });
  });

  test('an unknown name lists the known ones', async () => {
    const registry = loadRegistry({
      OPENAI_BASE_URL: 'http://127.0.0.1:1/v1',
      RLM_MODEL: 'big',
      RLM_SUB_MODEL: 'small',
      RLM_MODELS: 'coder, , big',
    });
    await expect(registry.card('gtp-5', 'root', QUEUE)).rejects.toMatchObject({
      failure: {
        type: 'InvalidInput',
        retryable: false,
        message:
          'Unknown model "gtp-5": known are big, coder, small (RLM_MODEL, RLM_SUB_MODEL and RLM_MODELS add names).',
      },
    });
  });

  test("another endpoint's only model serves sub-calls too", async () => {
    const registry = loadRegistry({
      OPENAI_BASE_URL: 'http://127.0.0.1:1/v1/',
      RLM_MODEL: 'big',
      RLM_STAND_IN: '1',
    });
    expect(registry.names).toEqual(['big']);
    expect(await registry.card(null, 'sub', QUEUE)).toMatchObject({ name: 'big', standIn: true });
    expect(registry.endpoint('big')).toEqual({
      baseUrl: 'http://127.0.0.1:1/v1',
      apiKey: 'none',
      keyVariable: 'OPENAI_API_KEY',
      outputLimitField: 'max_tokens',
      parameters: {},
    });
  });

  test('neither key nor endpoint: says what to set', () => {
    const registry = loadRegistry({ OPENAI_API_KEY: '  ' });
    expect(failureOf(() => registry.endpoint('gpt-5'))).toEqual({
      type: 'InvalidInput',
      retryable: false,
      message:
        'No key for the model "gpt-5": set OPENAI_API_KEY, or OPENAI_BASE_URL to an endpoint that needs none.',
    });
  });

  test.each(['localhost:8000', 'ftp://host/v1', 'not a url'])(
    'OPENAI_BASE_URL=%s is refused',
    (url) => {
      expect(failureOf(() => loadRegistry({ OPENAI_BASE_URL: url }))).toEqual({
        type: 'InvalidInput',
        retryable: false,
        message: `OPENAI_BASE_URL must be an http or https URL such as https://api.openai.com/v1, not "${url}".`,
      });
    },
  );

  test('recognises the stand-in by what it says of itself', async () => {
    model = await startScriptedModel({});
    const registry = loadRegistry({ OPENAI_BASE_URL: model.baseUrl, RLM_MODEL: 'stand-in-root' });
    expect(await registry.card(null, 'root', QUEUE)).toMatchObject({
      standIn: true,
      prices: { inputUsdPerMTok: 0, cachedInputUsdPerMTok: 0, outputUsdPerMTok: 0 },
    });
    expect(await registry.check(null, 'root')).toBeNull();
  });

  test('an endpoint that does not answer is not taken for a stand-in for good', async () => {
    const gone = await startScriptedModel({});
    await gone.close();
    const registry = loadRegistry({ OPENAI_BASE_URL: gone.baseUrl, RLM_MODEL: 'm' });
    expect(await registry.card(null, 'root', QUEUE)).toMatchObject({ standIn: false });
    model = await startScriptedModel({ port: gone.port });
    expect(await registry.card(null, 'root', QUEUE)).toMatchObject({ standIn: true });
  });

  test('check: an unreachable endpoint', async () => {
    const gone = await startScriptedModel({});
    await gone.close();
    const registry = loadRegistry({ OPENAI_BASE_URL: gone.baseUrl });
    expect(await registry.check(null, 'root')).toBe(
      `No connection to the model at ${gone.baseUrl} (ECONNREFUSED): check that it runs and that the base URL is right.`,
    );
  });

  test('check: a refused key', async () => {
    const server = createServer((request, response) => {
      const known = request.headers.authorization === 'Bearer right';
      response.writeHead(known ? 200 : 401).end('{"data": []}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const env = { OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` };
    try {
      expect(await loadRegistry({ ...env, OPENAI_API_KEY: 'wrong' }).check(null, 'sub')).toBe(
        `http://127.0.0.1:${port}/v1 refused the API key (401): set OPENAI_API_KEY to a valid key.`,
      );
      expect(await loadRegistry({ ...env, OPENAI_API_KEY: 'right' }).check(null, 'sub')).toBeNull();
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
