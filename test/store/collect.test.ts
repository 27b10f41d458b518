import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  collect,
  collectGarbage,
  digestOf,
  forget,
  GRACE_MS,
  keeping,
  keptBy,
  makeRoot,
  memoryStore,
  retire,
  type OwnerStatus,
  RootCorrupted,
  type Store,
} from '../../store/index.ts';
import { openDirectoryStore } from '../../store/directory-store.ts';
import { SimulatedDisk } from './simulated-disk.ts';

// Scope: what a collection deletes and what it keeps, alone, beside runs and other collections, and killed anywhere.

const HOUR_MS = 3_600_000;
const LATER_MS = GRACE_MS + HOUR_MS;

function bytes(name: string): Buffer {
  return Buffer.from(`blob ${name}`);
}

function digest(name: string): string {
  return digestOf(bytes(name));
}

/** A store whose clock the test moves. */
function timedStore(): { store: Store; wait: (ms: number) => void } {
  let now = 1_000_000_000;
  return { store: keeping(memoryStore(() => now)), wait: (ms) => void (now += ms) };
}

async function activity(store: Store, owner: string, ...names: string[]): Promise<void> {
  await keptBy(owner, async () => {
    for (const name of names) await store.blobs.put(bytes(name));
  });
}

async function there(store: Store, ...names: string[]): Promise<string[]> {
  const found = await Promise.all(names.map((name) => store.blobs.has(digest(name))));
  return names.filter((_, i) => found[i]);
}

describe('a collection', () => {
  test('keeps what a root names and frees the rest', async () => {
    const { store, wait } = timedStore();
    await activity(store, 'run a', 'a1', 'a2');
    await store.blobs.put(bytes('garbage'));
    wait(LATER_MS);
    const done = await collect(store);
    expect(done).toMatchObject({ roots: 1, blobs: 3, garbage: 1, discarded: 1, young: 0 });
    expect(await there(store, 'a1', 'a2', 'garbage')).toEqual(['a1', 'a2']);
  });

  test('never frees a blob younger than the longest activity and an hour', async () => {
    const { store, wait } = timedStore();
    await store.blobs.put(bytes('young'));
    expect(GRACE_MS).toBe(3 * HOUR_MS);
    wait(GRACE_MS - 1);
    expect(await collect(store)).toMatchObject({ garbage: 1, young: 1, discarded: 0 });
    await store.blobs.put(bytes('young'));
    wait(GRACE_MS - 1);
    expect(await collect(store)).toMatchObject({ young: 1, discarded: 0 });
    wait(1);
    expect(await collect(store)).toMatchObject({ young: 0, discarded: 1 });
  });

  test('says with dryRun what it would do, and does nothing', async () => {
    const { store, wait } = timedStore();
    await activity(store, 'run a', 'a');
    await store.blobs.put(bytes('garbage'));
    wait(LATER_MS);
    expect(await collect(store, { dryRun: true })).toMatchObject({ dryRun: true, discarded: 1 });
    const without = new Set(['run a']);
    expect(await collect(store, { dryRun: true, without })).toMatchObject({ discarded: 2 });
    expect(await there(store, 'a', 'garbage')).toEqual(['a', 'garbage']);
  });

  test('keeps what an attempt recorded that died before its activity completed', async () => {
    const { store, wait } = timedStore();
    const dying = keptBy('run a', async () => {
      const { digest: answer } = await store.blobs.put(bytes('answer'));
      await store.records.create('answer/a/1', answer);
      throw new Error('the process died');
    });
    await expect(dying).rejects.toThrow('the process died');
    wait(LATER_MS);
    await collect(store);
    // Found by the next attempt, days later.
    expect(await store.records.find('answer/a/1')).toBe(digest('answer'));
    expect(await there(store, 'answer')).toEqual(['answer']);
  });

  test('finds no record whose blob is in no root: the root comes first', async () => {
    const { store } = timedStore();
    let pieces = 0;
    const dying = keeping({
      ...store,
      roots: {
        ...store.roots,
        add: async (piece) => {
          pieces += 1;
          if (pieces === 2) throw new Error('the process died');
          return store.roots.add(piece);
        },
      },
    });
    const attempt = keptBy('run a', async () => {
      await dying.blobs.put(bytes('answer'));
      await dying.records.create('answer/a/1', digest('answer'));
    });
    await expect(attempt).rejects.toThrow('the process died');
    expect(await store.records.find('answer/a/1')).toBeUndefined();
  });

  test('keeps what a long activity has put while it goes on', async () => {
    const { store, wait } = timedStore();
    await keptBy('run a', async () => {
      await store.blobs.put(bytes('begun'));
      await store.records.create('key', digest('begun'));
      wait(LATER_MS);
      await collect(store);
      expect(await there(store, 'begun')).toEqual(['begun']);
    });
  });

  test('makes one of many old pieces of a root, which names the same, also when it is killed', async () => {
    const disk = new SimulatedDisk();
    const store = keeping(await openDirectoryStore('/s', disk.files()));
    const names = Array.from({ length: 70 }, (_, i) => `a${i}`);
    for (const name of names) {
      await activity(store, 'run a', name);
      await keptBy('run a', () => store.records.create(`answer/${name}`, digest(name)));
    }
    disk.nowMs += LATER_MS;
    await activity(store, 'run a', 'young');
    for (let lives = 300; ; lives += 97) {
      const death: unknown = await openDirectoryStore('/s', mortal(disk, lives))
        .then((mortals) => collect(mortals))
        .catch((error: unknown) => error);
      if (!(death instanceof Killed)) break;
    }
    const root = await store.roots.find('run a');
    // 142 were written; what a killed one left over waits to become many again.
    expect(root?.pieces.length).toBeLessThan(66);
    await collect(store, { graceMs: 0 });
    expect(await there(store, ...names, 'young')).toHaveLength(71);
    await forget(store, 'run a');
    disk.nowMs += LATER_MS;
    expect(await collect(store)).toMatchObject({ removedRecords: 70, discarded: 71 });
  });

  test('deletes nothing while a piece of a root is damaged', async () => {
    const disk = new SimulatedDisk();
    const store = await openDirectoryStore('/s', disk.files());
    await store.blobs.put(bytes('garbage'));
    await store.roots.add({ kind: 'made', owner: 'run a' });
    const files = disk.files();
    const [shard = ''] = await files.readdir('/s/roots');
    const [name = ''] = await files.readdir(`/s/roots/${shard}`);
    await files.remove(`/s/roots/${shard}/${name}`);
    const piece = await files.open(`/s/roots/${shard}/${name}`, 'wx');
    await piece.writeFile(Buffer.from('{}'));
    disk.nowMs += LATER_MS;
    await expect(collect(store)).rejects.toThrow(RootCorrupted);
    expect(await there(store, 'garbage')).toEqual(['garbage']);
  });

  test('keeps blobs from before roots were kept in the store', async () => {
    const disk = new SimulatedDisk();
    const old = await openDirectoryStore('/s', disk.files());
    await old.blobs.put(bytes('old'));
    await disk.files().remove('/s/store.json');
    disk.nowMs += LATER_MS;
    const store = await openDirectoryStore('/s', disk.files());
    await store.blobs.put(bytes('new'));
    disk.nowMs += LATER_MS;
    expect(await collect(store)).toMatchObject({ unrooted: 1, discarded: 1 });
    expect(await there(store, 'old', 'new')).toEqual(['old']);
  });
});

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

/** Operations that an activity may take, as time is counted here; one that takes longer is given up, and its blobs with it. */
const TIMEOUT = 400;
const GRACE = TIMEOUT + 10;
const OLD = 100_000;

/** Runs work as an activity. True when it completed in time: then its blobs are promised to stay. */
async function timed(
  disk: SimulatedDisk,
  owner: string,
  work: () => Promise<void>,
): Promise<boolean> {
  const begun = disk.nowMs;
  await keptBy(owner, work);
  return disk.nowMs - begun < TIMEOUT;
}

class Killed extends Error {}

/** A process that is killed at its n-th operation on files. */
function mortal(disk: SimulatedDisk, lives: number): ReturnType<SimulatedDisk['files']> {
  let left = lives;
  const files = disk.files();
  return new Proxy(files, {
    get: (target, name, receiver) => {
      const operation: unknown = Reflect.get(target, name, receiver);
      if (typeof operation !== 'function') return operation;
      return async (...given: unknown[]) => {
        left -= 1;
        if (left < 0) throw new Killed('killed');
        const done: unknown = await Reflect.apply(operation, target, given);
        return done;
      };
    },
  });
}

describe('collections beside runs, whatever order their operations on files come in', () => {
  test('lose nothing that a completed activity, a record or a fork needs, and free the rest', async () => {
    const seen = { completed: 0, forked: 0, killed: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 1, max: 250 }),
        fc.boolean(),
        fc.integer({ min: 0, max: 60 }),
        async (scheduler, lives, isForgotten, delay) => {
          const disk = new SimulatedDisk();
          const open = async (files = disk.files()): Promise<Store> =>
            keeping(await openDirectoryStore('/s', files));
          const setUp = await open();
          await activity(setUp, 'run a', 'a1', 'a2');
          for (const name of ['again', 'garbage']) await setUp.blobs.put(bytes(name));
          const stores = await Promise.all(Array.from({ length: 5 }, () => open()));
          const [running, forking, forgetting, collecting, other] = stores;
          if (!running || !forking || !forgetting || !collecting || !other) throw new Error();
          const killing = await open(mortal(disk, lives + 20));
          disk.nowMs += OLD;
          disk.before = () => scheduler.schedule(Promise.resolve());

          const promised: string[] = [];
          const run = async (): Promise<void> => {
            for (const [n, names] of [
              ['again', 'b1'],
              ['b2', 'again', 'a1'],
            ].entries()) {
              const inTime = await timed(disk, 'run b', async () => {
                for (const name of names) await running.blobs.put(bytes(name));
                await running.records.create(`answer/b/${n}`, digest(names[0] ?? ''));
                for (const name of names) await running.blobs.get(digest(name));
              });
              if (!inTime) continue;
              promised.push(...names);
              seen.completed += 1;
            }
          };
          const fork = async (): Promise<void> => {
            // So that it also comes after the source was forgotten.
            for (let i = 0; i < delay; i += 1) await scheduler.schedule(Promise.resolve());
            const taken = timed(disk, 'run f', async () => {
              for (const name of ['a1', 'a2']) await forking.blobs.touch(digest(name));
            });
            // Too late: the source was forgotten, and the fork is refused.
            const inTime = await taken.catch(() => null);
            if (inTime === true) {
              promised.push('a1', 'a2');
              seen.forked += 1;
            }
            if (inTime === null) seen.refused += 1;
          };
          const end = async (): Promise<void> => {
            if (isForgotten) await forget(forgetting, 'run a');
            else promised.push('a1', 'a2');
            await collect(forgetting, { graceMs: GRACE });
          };
          const killed = async (): Promise<void> => {
            await collect(killing, { graceMs: GRACE }).catch(() => (seen.killed += 1));
          };
          await scheduler.waitFor(
            Promise.all([
              run(),
              fork(),
              end(),
              killed(),
              collect(collecting, { graceMs: GRACE }),
              collect(other, { graceMs: GRACE }),
            ]),
          );
          disk.before = async () => undefined;
          for (let round = 0; round < 2; round += 1) {
            disk.nowMs += OLD;
            await collect(await open(), { graceMs: GRACE });
          }
          const store = await open();
          for (const name of promised) {
            expect((await store.blobs.get(digest(name))).equals(bytes(name))).toBe(true);
          }
          for (const [n, name] of ['again', 'b2'].entries()) {
            expect(await store.records.find(`answer/b/${n}`)).toBe(digest(name));
            expect(await there(store, name)).toEqual([name]);
          }
          expect(await there(store, 'garbage')).toEqual([]);
          expect(await disk.files().readdir('/s/trash')).toEqual([]);
        },
      ),
      { numRuns: 150 },
    );
    // All of it did happen.
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
  }, 120_000);

  test('killed after each of its operations, then run twice: the same as never killed', async () => {
    for (let lives = 0; ; lives += 1) {
      const disk = new SimulatedDisk();
      const setUp = keeping(await openDirectoryStore('/s', disk.files()));
      await activity(setUp, 'run a', 'a1', 'shared');
      await keptBy('run a', () => setUp.records.create('answer/a', digest('a1')));
      await activity(setUp, 'run b', 'b1', 'shared');
      for (const name of ['g1', 'g2']) await setUp.blobs.put(bytes(name));
      await forget(setUp, 'run a');
      disk.nowMs += OLD;
      const files = mortal(disk, lives);
      const death: unknown = await openDirectoryStore('/s', files)
        .then((store) => collect(store, { graceMs: GRACE }))
        .catch((error: unknown) => error);
      // Reads go on in between.
      expect(await there(setUp, 'b1', 'shared')).toEqual(['b1', 'shared']);
      for (let round = 0; round < 2; round += 1) {
        await collect(await openDirectoryStore('/s', disk.files()), { graceMs: GRACE });
      }
      expect(await there(setUp, 'a1', 'b1', 'shared', 'g1', 'g2')).toEqual(['b1', 'shared']);
      expect(await setUp.records.find('answer/a')).toBeUndefined();
      expect(await setUp.roots.find('run a')).toBeUndefined();
      if (!(death instanceof Killed)) {
        expect(lives).toBeGreaterThan(30);
        return;
      }
    }
  });
});
