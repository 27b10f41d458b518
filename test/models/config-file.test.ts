import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, test } from '@jest/globals';
import { callModel } from '../../models/call-model.ts';
import { ModelError } from '../../models/model-failure.ts';
import { loadRegistry, type Registry } from '../../models/registry.ts';
import { memoryStore } from '../../store/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'rlm-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const QUEUE = { taskQueue: 'models' };

function load(config: unknown, env: Record<string, string> = {}): Registry {
  const path = join(folder, 'models.json');
  writeFileSync(path, typeof config === 'string' ? config : JSON.stringify(config));
  return loadRegistry({ RLM_CONFIG: path, ...env });
}

function problemOf(config: unknown, env: Record<string, string> = {}): string {
  try {
    load(config, env);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    expect(error.failure).toMatchObject({ type: 'InvalidInput', retryable: false });
    const start = `The model configuration ${join(folder, 'models.json')} cannot be used: `;
    expect(error.message.startsWith(start)).toBe(true);
    return error.message.slice(start.length);
  }
  throw new Error('nothing was thrown');
}

const BIG = {
  model: 'vendor/big-1',
  baseUrl: 'http://big.example:8000/v1/',
  keyVariable: 'BIG_KEY',
  contextTokens: 1_000_000,
  maxOutputTokens: 5_000,
  prices: { inputUsdPerMTok: 3, outputUsdPerMTok: 15 },
  timeoutMs: 1_000,
};

describe('RLM_CONFIG', () => {
  test('names models with their endpoints, limits and prices', async () => {
    const registry = load(
      { root: 'big', sub: 'gpt-5-mini', models: { big: BIG, 'gpt-5-mini': {} } },
      { BIG_KEY: 'k1', OPENAI_API_KEY: 'k2' },
    );
    expect(registry.names).toEqual(['big', 'gpt-5-mini']);
    expect(await registry.card(null, 'root', QUEUE)).toEqual({
      name: 'big',
      model: 'vendor/big-1',
      contextTokens: 1_000_000,
      maxOutputTokens: 5_000,
      prices: { inputUsdPerMTok: 3, cachedInputUsdPerMTok: 3, outputUsdPerMTok: 15 },
      timeoutMs: 1_000,
      taskQueue: 'models-big',
      standIn: false,
    });
    expect(await registry.card(null, 'sub', QUEUE)).toMatchObject({
      model: 'gpt-5-mini',
      contextTokens: 400_000,
      timeoutMs: 300_000,
    });
    expect(registry.endpoint('big')).toEqual({
      baseUrl: 'http://big.example:8000/v1',
      apiKey: 'k1',
      keyVariable: 'BIG_KEY',
      outputLimitField: 'max_tokens',
      parameters: {},
    });
    expect(registry.endpoint('gpt-5-mini')).toMatchObject({
      baseUrl: 'https://api.openai.com/v1',
      apiKey: 'k2',
      outputLimitField: 'max_completion_tokens',
    });
  });

  test('each model has a queue, which keeps its requests a minute for all workers', () => {
    const slow = { ...BIG, rateLimits: { requestsPerMinute: 90, concurrency: 2 } };
    const registry = load({ root: 'big', models: { big: BIG, 'vendor/slow': slow } });
    expect(registry.queues('rlm-model')).toEqual([
      { taskQueue: 'rlm-model' },
      { taskQueue: 'rlm-model-big' },
      { taskQueue: 'rlm-model-vendor/slow', perSecond: 1.5 },
    ]);
  });

  test('the environment chooses other defaults among its names', async () => {
    const config = { root: 'a', models: { a: BIG, b: { ...BIG, model: 'b-1' } } };
    const registry = load(config, { RLM_MODEL: 'b', BIG_KEY: 'k' });
    expect(await registry.card(null, 'root', QUEUE)).toMatchObject({ name: 'b', model: 'b-1' });
    expect(await registry.card(null, 'sub', QUEUE)).toMatchObject({ name: 'a' });
    expect(problemOf(config, { RLM_SUB_MODEL: 'c' })).toBe(
      'the sub model "c" is not among its models (a, b).',
    );
  });

  test('a key that is not set is asked for by its own variable', async () => {
    const registry = load({ root: 'big', models: { big: BIG } });
    await expect(registry.card(null, 'root', QUEUE)).rejects.toThrow(
      'No key for the model "big": set BIG_KEY.',
    );
  });

  test('a module is a configuration too', () => {
    const path = join(folder, 'rlm.config.ts');
    writeFileSync(
      path,
      'const prices: { inputUsdPerMTok: number; outputUsdPerMTok: number } = { inputUsdPerMTok: 1, outputUsdPerMTok: 2 };\n' +
        "export default { root: 'm', models: { m: { keyVariable: null, prices } } };\n",
    );
    const registry = fileURLToPath(new URL('../../models/registry.ts', import.meta.url));
    const program = `
      const { loadRegistry } = await import(${JSON.stringify(registry)});
      const card = await loadRegistry({ RLM_CONFIG: ${JSON.stringify(path)} }).card(null, 'sub', { taskQueue: 'q' });
      console.log(card.name, card.prices.outputUsdPerMTok);`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    expect(stdout).toBe('m 2\n');
  });

  test.each<[string, unknown, string | RegExp]>([
    [
      'a typo in an option',
      { root: 'big', models: { big: { ...BIG, contextToken: 1 } } },
      'Unrecognized key: "contextToken" → at models.big (did you mean "contextTokens" for "contextToken"?).',
    ],
    [
      'a name in another style',
      { root: 'big', models: { big: { ...BIG, rateLimits: { requests_per_minute: 5 } } } },
      'Unrecognized key: "requests_per_minute" → at models.big.rateLimits (did you mean "requestsPerMinute" for "requests_per_minute"?).',
    ],
    [
      'an option that is like no other',
      { root: 'big', models: { big: { ...BIG, colour: 'red' } } },
      'Unrecognized key: "colour" → at models.big.',
    ],
    [
      'a number as text',
      { root: 'big', models: { big: { ...BIG, contextTokens: '1000' } } },
      'Invalid input: expected number, received string → at models.big.contextTokens.',
    ],
    [
      'an address without http',
      { root: 'big', models: { big: { ...BIG, baseUrl: 'localhost:8000' } } },
      'expected an http or https URL → at models.big.baseUrl.',
    ],
    [
      'a field that the engine sets',
      { root: 'big', models: { big: { ...BIG, parameters: { stream: false } } } },
      'may not hold model, messages, stream, stream_options, tools, tool_choice, n, max_tokens, max_completion_tokens → at models.big.parameters.',
    ],
    [
      'a default that it does not name',
      { root: 'bug', models: { big: BIG } },
      'the root model "bug" is not among its models (big).',
    ],
    [
      'a fallback that is not there',
      { root: 'big', models: { big: { ...BIG, fallback: 'bigger' } } },
      'the fallback "bigger" of "big" is not among its models (big).',
    ],
    [
      'a fallback that leads back',
      { root: 'a', models: { a: { ...BIG, fallback: 'b' }, b: { ...BIG, fallback: 'a' } } },
      'the fallback "a" of "b" leads back to it.',
    ],
    [
      'a fallback that writes its cells in another way',
      { root: 'a', models: { a: { ...BIG, fallback: 'b' }, b: { ...BIG, replies: 'tool' } } },
      'the fallback "b" of "a" must have the same "replies".',
    ],
    ['no JSON', '{ "models": ', /JSON/],
  ])('%s is named', (_, config, problem) => {
    if (typeof problem === 'string') expect(problemOf(config)).toBe(problem);
    else expect(problemOf(config)).toMatch(problem);
  });

  test('a key where its variable belongs is refused, and not repeated', () => {
    const problem = problemOf({
      root: 'big',
      models: { big: { ...BIG, keyVariable: 'sk-live-0123456789' } },
    });
    expect(problem).toBe(
      'expected the name of an environment variable, never a key → at models.big.keyVariable.',
    );
  });

  test.each(['http://me:secret@big.example/v1', 'http://big.example/v1?key=secret'])(
    'a key in the address %s is refused, and not repeated',
    (baseUrl) => {
      expect(problemOf({ root: 'big', models: { big: { ...BIG, baseUrl } } })).toBe(
        'may not hold a user name, password or query: a key belongs into the variable that keyVariable names → at models.big.baseUrl.',
      );
    },
  );

  test('a missing file is named', () => {
    expect(() => loadRegistry({ RLM_CONFIG: '/nowhere/models.json' })).toThrow(
      "The model configuration /nowhere/models.json cannot be used: ENOENT: no such file or directory, open '/nowhere/models.json'.",
    );
  });
});

describe('callModel', () => {
  test('sends the parameters and the output limit of its model, and the key of its variable', async () => {
    const bodies: unknown[] = [];
    const keys: unknown[] = [];
    const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      if (request.method === 'GET') {
        response.writeHead(404).end();
        return;
      }
      keys.push(request.headers.authorization);
      bodies.push(JSON.parse(await text(request)));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const choice = { index: 0, delta: { content: 'yes' }, finish_reason: 'stop' };
      response.end(`data: ${JSON.stringify({ choices: [choice] })}\n\ndata: [DONE]\n\n`);
    };
    const server = createServer((request, response) => {
      serve(request, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    try {
      const registry = load(
        {
          root: 'big',
          models: {
            big: {
              ...BIG,
              baseUrl: `http://127.0.0.1:${port}/v1`,
              parameters: { temperature: 0.2, reasoning_effort: 'low' },
            },
          },
        },
        { BIG_KEY: 'the-key' },
      );
      const card = await registry.card('big', 'sub', QUEUE);
      const messages = [{ role: 'user', content: 'Is it?' }] as const;
      expect(await callModel({ store: memoryStore(), registry, card, messages })).toMatchObject({
        text: 'yes',
      });
      expect(keys).toEqual(['Bearer the-key']);
      expect(bodies).toEqual([
        {
          model: 'vendor/big-1',
          messages,
          stream: true,
          stream_options: { include_usage: true },
          max_tokens: 5_000,
          temperature: 0.2,
          reasoning_effort: 'low',
        },
      ]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
