import { describe, expect, test } from '@jest/globals';
import {
  collect,
  collectGarbage,
  forget,
  GRACE_MS,
  keeping,
  keptBy,
  makeRoot,
  retire,
  type OwnerStatus,
} from '../../store/index.ts';
import { activity, bytes, digest, HOUR_MS, LATER_MS, there, timedStore } from './collecting.ts';

// Scope: what is forgotten, by name or for its age, and what a collection frees then.

describe('forgetting', () => {
  test('frees what nobody else keeps, records and root included', async () => {
    const { store, wait } = timedStore();
    await activity(store, 'run a', 'shared', 'a');
    await keptBy('run a', () => store.records.create('answer/a', digest('a')));
    await activity(store, 'run b', 'shared', 'b');
    await forget(store, 'run a');
    wait(LATER_MS);
    expect(await collect(store)).toMatchObject({ forgotten: ['run a'], removedRecords: 1 });
    expect(await there(store, 'shared', 'a', 'b')).toEqual(['shared', 'b']);
    expect(await store.records.find('answer/a')).toBeUndefined();
    expect(await store.roots.find('run a')).toBeUndefined();
  });

  test('leaves a fork all that it took over', async () => {
    const { store, wait } = timedStore();
    await activity(store, 'run a', 'image', 'other');
    await keptBy('run fork', () => store.blobs.touch(digest('image')));
    await forget(store, 'run a');
    wait(LATER_MS);
    await collect(store);
    expect(await there(store, 'image', 'other')).toEqual(['image']);
  });

  test('leaves a record that another root needs as well', async () => {
    const { store, wait } = timedStore();
    for (const owner of ['repl a', 'repl b']) {
      await keptBy(owner, async () => {
        await store.blobs.put(bytes('image'));
        await store.records.create('image/heap', digest('image'));
      });
    }
    await forget(store, 'repl a');
    wait(LATER_MS);
    await collect(store);
    expect(await store.records.find('image/heap')).toBe(digest('image'));
  });

  test('twice, and what is not there, does no harm', async () => {
    const { store } = timedStore();
    await activity(store, 'run a', 'a');
    expect(await forget(store, 'run a')).toBe(true);
    expect(await forget(store, 'run a')).toBe(true);
    expect(await forget(store, 'run b')).toBe(false);
    expect((await collect(store)).forgotten).toEqual(['run a']);
    expect((await collect(store)).forgotten).toEqual([]);
  });

  test('refuses a new run of that name until it is done', async () => {
    const { store } = timedStore();
    await activity(store, 'run a', 'a');
    await forget(store, 'run a');
    const again = keeping({ ...store });
    await expect(activity(again, 'run a', 'a')).rejects.toThrow('run "rlm gc" first');
    await collect(store);
    await activity(again, 'run a', 'a');
  });
});

describe('retention', () => {
  const DAY_MS = 24 * HOUR_MS;
  const server = 'namespace-id';
  const ask = (answers: Record<string, OwnerStatus>) => ({
    server,
    olderThanMs: 30 * DAY_MS,
    statusOf: async (owner: string): Promise<OwnerStatus> => answers[owner] ?? { kind: 'unknown' },
  });

  test('forgets what ended longer ago, and nothing that goes on or may be another server’s', async () => {
    const { store, wait } = timedStore();
    const began = await store.upkeep.nowMs();
    for (const name of ['open', 'old', 'new', 'stranger'])
      await activity(store, `run ${name}`, name);
    await makeRoot(store, 'run never-started', server);
    await activity(store, 'schedule daily', 'spec');
    await activity(store, 'runtime images', 'base');
    await activity(store, 'repl session', 'session');
    wait(40 * DAY_MS);
    const retired = await retire(
      store,
      ask({
        'run open': { kind: 'open' },
        'run old': { kind: 'ended', endedMs: began + DAY_MS },
        'run new': { kind: 'ended', endedMs: began + 20 * DAY_MS },
        'schedule daily': { kind: 'open' },
      }),
    );
    expect(retired).toEqual({
      forgotten: ['repl session', 'run old'],
      unknown: ['run stranger'],
    });
    // The server has forgotten them meanwhile; when they ended was noted.
    wait(31 * DAY_MS);
    const later = await retire(store, ask({ 'run open': { kind: 'open' } }));
    expect(later).toEqual({
      forgotten: ['run never-started', 'run new'],
      unknown: ['run stranger', 'schedule daily'],
    });
  });

  test('forgets no run that is about to be started, however short it is', async () => {
    const { store, wait } = timedStore();
    const asked = { ...ask({}), olderThanMs: 1 };
    await makeRoot(store, 'run a', server);
    wait(HOUR_MS);
    expect((await retire(store, asked)).forgotten).toEqual([]);
    wait(GRACE_MS);
    expect((await retire(store, asked)).forgotten).toEqual([]);
    // Started meanwhile.
    wait(HOUR_MS);
    const open = { ...ask({ 'run a': { kind: 'open' } }), olderThanMs: 1 };
    expect((await retire(store, open)).forgotten).toEqual([]);
    expect((await retire(store, asked)).forgotten).toEqual([]);
    wait(LATER_MS);
    expect((await retire(store, asked)).forgotten).toEqual(['run a']);
  });

  test('does not ask this server for the run of another one', async () => {
    const { store, wait } = timedStore();
    await makeRoot(store, 'run same', 'another namespace');
    wait(100 * DAY_MS);
    const asked = ask({ 'run same': { kind: 'ended', endedMs: 1 } });
    expect(await retire(store, asked)).toEqual({ forgotten: [], unknown: ['run same'] });
  });

  test('as one command with the collection: first a dry run, then in earnest', async () => {
    const { store, wait } = timedStore();
    await activity(store, 'run old', 'old', 'older');
    await activity(store, 'run open', 'open');
    wait(40 * DAY_MS);
    const asked = ask({ 'run open': { kind: 'open' }, 'run old': { kind: 'ended', endedMs: 1 } });
    const input = { olderThanMs: 30 * DAY_MS, dryRun: true };
    const said = await collectGarbage(store, input, asked);
    expect(said).toMatchObject({ dryRun: true, forgotten: 1, roots: 1, discarded: 2 });
    expect(await there(store, 'old', 'older', 'open')).toHaveLength(3);
    const done = await collectGarbage(store, { ...input, dryRun: false }, asked);
    expect({ ...done, dryRun: true }).toEqual(said);
    expect(await there(store, 'old', 'older', 'open')).toEqual(['open']);
  });

  test('forgets nothing when the server does not answer', async () => {
    const { store, wait } = timedStore();
    await activity(store, 'run a', 'a');
    wait(100 * DAY_MS);
    const silent = {
      ...ask({}),
      statusOf: async () => {
        throw new Error('no answer');
      },
    };
    await expect(collectGarbage(store, { olderThanMs: 1, dryRun: false }, silent)).rejects.toThrow(
      'no answer',
    );
    expect(await there(store, 'a')).toEqual(['a']);
  });
});
