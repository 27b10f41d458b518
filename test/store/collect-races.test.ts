import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { collect, forget, keeping, keptBy, type Store } from '../../store/index.ts';
import { openDirectoryStore } from '../../store/directory-store.ts';
import { activity, bytes, digest, Killed, mortal, there } from './collecting.ts';
import { SimulatedDisk } from './simulated-disk.ts';

// Scope: collections beside runs, forks and other collections, and killed anywhere.

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
