import { describe, expect, test } from '@jest/globals';
import { collect, forget, GRACE_MS, keeping, keptBy, RootCorrupted } from '../../store/index.ts';
import { openDirectoryStore } from '../../store/directory-store.ts';
import {
  activity,
  bytes,
  digest,
  HOUR_MS,
  Killed,
  LATER_MS,
  mortal,
  there,
  timedStore,
} from './collecting.ts';
import { SimulatedDisk } from './simulated-disk.ts';

// Scope: what one collection deletes and what it keeps. Beside runs and other collections: collect-races.test.ts.

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
