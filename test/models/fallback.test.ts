import { afterEach, describe, expect, test } from '@jest/globals';
import { ModelError } from '../../models/index.ts';
import type { Served } from '../support/fault-server.ts';
import { type ModelWorld, openModelWorld } from './model-world.ts';

const MODELS = {
  first: { fallback: 'second', prices: { inputUsdPerMTok: 1, outputUsdPerMTok: 1 } },
  second: { fallback: 'third', prices: { inputUsdPerMTok: 100, outputUsdPerMTok: 100 } },
  third: {},
};

let world: ModelWorld;
let opened: ModelWorld | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

/** Each model is served with the fault of its name, else it answers with its name. */
async function open(faults: Record<string, Served>): Promise<void> {
  opened = world = await openModelWorld(
    MODELS,
    ({ body }) => faults[body.model] ?? { kind: 'reply', text: `I am ${body.model}.` },
  );
}

const asked = (): string[] => world.server.requests.map(({ body }) => body.model);
const failed = (status: number, code?: string): Served => ({
  kind: 'status',
  status,
  ...(code && { error: { code, message: code } }),
});

describe('a model that cannot be reached', () => {
  test.each<[string, Served]>([
    ['a refused key', failed(401)],
    ['a model that is gone', failed(404)],
    ['no quota', failed(429, 'insufficient_quota')],
  ])('%s: its fallback answers, at its own price, and is named', async (_, fault) => {
    await open({ first: fault });
    const { result, answer } = await world.ask({});
    expect(answer).toMatchObject({ status: 'ok', text: 'I am second.', fallback: 'second' });
    expect(result).toMatchObject({ fallback: 'second', usage: { costUsd: (15 * 100) / 1e6 } });
    expect(asked()).toEqual(['first', 'second']);
  });

  test('an outage is waited for; from the third attempt on the fallback is asked', async () => {
    await open({ first: failed(503) });
    for (const attempt of [1, 2]) {
      await expect(world.ask({}, { attempt })).rejects.toMatchObject({
        failure: { type: 'Model.Unavailable', retryable: true },
      });
    }
    expect((await world.ask({}, { attempt: 3 })).answer).toMatchObject({ text: 'I am second.' });
    expect(asked()).toEqual(['first', 'first', 'first', 'second']);
  });

  test('limits of rate are waited for, however often', async () => {
    await open({ first: failed(429) });
    await expect(world.ask({}, { attempt: 9 })).rejects.toMatchObject({
      failure: { type: 'Model.RateLimited', retryable: true },
    });
    expect(asked()).toEqual(['first']);
  });

  test('what is wrong with the call is wrong with every model', async () => {
    await open({ first: failed(400) });
    expect((await world.ask({}, { attempt: 3 })).answer).toMatchObject({ status: 'failed' });
    expect(asked()).toEqual(['first']);
  });

  test('the fallbacks are asked in their order', async () => {
    await open({ first: failed(401), second: failed(404) });
    expect((await world.ask({})).answer).toMatchObject({ text: 'I am third.', fallback: 'third' });
    expect(asked()).toEqual(['first', 'second', 'third']);
  });

  test('when all fail, what may pass is waited for', async () => {
    await open({ first: failed(503), second: failed(503), third: failed(401) });
    const error: unknown = await world.ask({}, { attempt: 3 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ModelError);
    expect(error).toMatchObject({
      failure: { type: 'Model.Unavailable', retryable: true },
      message: expect.stringContaining('first at'),
    });
  });

  test('a fallback that costs more than the call was given is not asked: the run may give more', async () => {
    await open({ first: failed(401) });
    const allowance = { costUsd: 0.01, tokens: null };
    await expect(world.ask({}, { allowance })).rejects.toMatchObject({
      failure: { type: 'Budget.Exhausted', retryable: false },
      needed: { costUsd: expect.any(Number) },
    });
    expect(asked()).toEqual(['first']);
  });

  test('a prompt that no fallback takes: what was wrong with the model itself is told', async () => {
    opened = world = await openModelWorld(
      { first: { fallback: 'small' }, small: { contextTokens: 100 } },
      () => failed(401),
    );
    await expect(world.ask({ prompt: 'word '.repeat(300) })).rejects.toMatchObject({
      failure: { type: 'Model.Unauthorized' },
    });
    expect(asked()).toEqual(['first']);
  });

  test('a turn falls back too', async () => {
    await open({ first: failed(404) });
    expect(await world.turn()).toMatchObject({
      reply: { text: 'I am second.' },
      fallback: 'second',
    });
  });

  test('its card, recorded in the run, holds those of the fallbacks', async () => {
    await open({});
    const card = await world.registry.card(null, 'root', { taskQueue: 'q' });
    expect(card).toMatchObject({
      name: 'first',
      fallbacks: [{ name: 'second', prices: { inputUsdPerMTok: 100 } }, { name: 'third' }],
    });
  });
});
