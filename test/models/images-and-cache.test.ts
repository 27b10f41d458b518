import { afterEach, describe, expect, test } from '@jest/globals';
import { BlobMissing, memoryStore } from '../../store/index.ts';
import { type ModelWorld, openModelWorld } from './model-world.ts';

let world: ModelWorld;
let opened: ModelWorld | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

describe('images of a sub-call', () => {
  test('go to the model beside the prompt', async () => {
    opened = world = await openModelWorld({ m: {} }, () => ({ kind: 'reply', text: 'A cat.' }));
    const bytes = Buffer.from([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]);
    const { digest: blob } = await world.store.blobs.put(bytes);
    const images = [{ mediaType: 'image/png' as const, blob }];
    expect((await world.ask({ prompt: 'What is it?', images })).answer).toMatchObject({
      text: 'A cat.',
    });
    expect(world.server.requests[0]?.body.messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is it?' },
          {
            type: 'image_url',
            image_url: { url: `data:image/png;base64,${bytes.toString('base64')}` },
          },
        ],
      },
    ]);
  });

  test('count against what the call may cost', async () => {
    const prices = { inputUsdPerMTok: 1000, outputUsdPerMTok: 0 };
    opened = world = await openModelWorld({ m: { prices } }, () => ({ kind: 'reply' }));
    const { digest: blob } = await world.store.blobs.put(Buffer.from('x'));
    const images = Array.from({ length: 10 }, () => ({ mediaType: 'image/png' as const, blob }));
    await expect(
      world.ask({ images }, { allowance: { costUsd: 30, tokens: null } }),
    ).rejects.toMatchObject({ failure: { type: 'Budget.Exhausted' } });
    expect(world.server.requests).toEqual([]);
  });
});

describe('cache', () => {
  const store = memoryStore();

  test('off: equal calls are samples of their own', async () => {
    opened = world = await openModelWorld({ m: {} }, () => ({ kind: 'reply' }));
    for (const workflowId of ['a', 'b']) await world.ask({}, { workflowId, cache: 'off' });
    expect(world.server.requests).toHaveLength(2);
  });

  test('run: a run asks once, each run for itself', async () => {
    opened = world = await openModelWorld({ m: {} }, () => ({ kind: 'reply' }));
    const at = (workflowId: string, cellAttempt: number) => ({
      cache: 'run' as const,
      key: { workflowId, cell: '1.1', cellAttempt },
    });
    await world.ask({}, at('a', 1));
    await world.ask({}, at('a', 2));
    await world.ask({}, at('b', 1));
    expect(world.server.requests).toHaveLength(2);
  });

  test('shared: all runs ask once, who finds it pays nothing', async () => {
    opened = world = await openModelWorld({ m: {} }, () => ({ kind: 'reply' }), store);
    const first = await world.ask({ prompt: 'shared' }, { workflowId: 'a', cache: 'shared' });
    const second = await world.ask({ prompt: 'shared' }, { workflowId: 'b', cache: 'shared' });
    expect(first.result).toMatchObject({ usage: { inputTokens: 10 }, repeated: false });
    expect(second.result).toMatchObject({ usage: { inputTokens: 0, costUsd: 0 }, repeated: true });
    expect(second.answer).toEqual(first.answer);
    expect(world.server.requests).toHaveLength(1);
  });

  test('shared: other parameters of the model are another question', async () => {
    const named = (temperature: number) => ({ model: 'same', parameters: { temperature } });
    const models = { cold: named(0), warm: named(1), alias: named(0) };
    opened = world = await openModelWorld(models, () => ({ kind: 'reply' }), store);
    for (const name of Object.keys(models)) {
      const card = await world.registry.card(name, 'sub', { taskQueue: 'q' });
      await world.ask({ prompt: 'warm' }, { workflowId: name, cache: 'shared', card });
    }
    expect(world.server.requests.map(({ body }) => body['temperature'])).toEqual([0, 1]);
  });

  test('shared: an answer whose run was forgotten is asked for again', async () => {
    opened = world = await openModelWorld({ m: {} }, () => ({ kind: 'reply' }));
    await world.ask({}, { workflowId: 'a', cache: 'shared' });
    const { store: kept } = world;
    const gone = {
      ...kept,
      blobs: {
        ...kept.blobs,
        touch: async (digest: string) => {
          throw new BlobMissing(digest, 'a store');
        },
      },
    };
    const other = await openModelWorld(
      { m: { baseUrl: world.server.baseUrl } },
      () => ({ kind: 'reply' }),
      gone,
    );
    expect((await other.ask({}, { workflowId: 'b', cache: 'shared' })).answer).toMatchObject({
      status: 'ok',
    });
    await other.close();
    expect(world.server.requests).toHaveLength(2);
  });

  test("shared: what a fallback said is nobody else's answer", async () => {
    const models = { m: { fallback: 'n' }, n: {} };
    opened = world = await openModelWorld(models, ({ body }) =>
      body.model === 'm' ? { kind: 'status', status: 401 } : { kind: 'reply' },
    );
    for (const workflowId of ['a', 'b']) await world.ask({}, { workflowId, cache: 'shared' });
    expect(world.server.requests.map(({ body }) => body.model)).toEqual(['m', 'n', 'm', 'n']);
  });
});
