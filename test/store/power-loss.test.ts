import { describe, expect, test } from '@jest/globals';
import { BlobMissing, collect, digestOf, keeping, keptBy, type Store } from '../../store/index.ts';
import { openDirectoryStore } from '../../store/directory-store.ts';
import { PowerCut, type Remains, SimulatedDisk } from './simulated-disk.ts';

// Scope: a directory store whose machine loses power between any two operations on files, whatever the disk then keeps
// of all that was not synced: nothing, everything, or by chance some of it.

const SEEDS = [1, 2, 3, 4];

interface Confirmed {
  blobs: Map<string, Buffer>;
  records: Map<string, string>;
  /** Blobs that the root of `run a` has. */
  kept: string[];
}

type Scenario = (open: () => Promise<Store>, done: Confirmed) => Promise<void>;

const text = (name: string): Buffer => Buffer.from(`${name} `.repeat(200));

async function put(store: Store, done: Confirmed, name: string): Promise<string> {
  const { digest } = await store.blobs.put(text(name));
  done.blobs.set(digest, text(name));
  return digest;
}

async function record(store: Store, done: Confirmed, key: string, digest: string): Promise<void> {
  done.records.set(key, await store.records.create(key, digest));
}

const scenarios: Record<string, Scenario> = {
  'one process writes into a new directory': async (open, done) => {
    const store = await open();
    const first = await put(store, done, 'first');
    await record(store, done, 'key', first);
    await put(store, done, 'second');
    await put(store, done, 'first');
    await store.blobs.touch(first);
    await record(store, done, 'other', first);
  },
  'two processes write the same blobs and race for records': async (open, done) => {
    const writer = async (name: string): Promise<void> => {
      const store = await open();
      await put(store, done, 'same');
      await record(store, done, 'race', await put(store, done, name));
      await put(store, done, 'same too');
    };
    await Promise.all([writer('one'), writer('two')]);
  },
  'a run extends its root while garbage is collected': async (open, done) => {
    const store = keeping(await open());
    const lost = await store.blobs.put(text('garbage'));
    const first = await keptBy('run a', async () => {
      const kept = await put(store, done, 'kept');
      await record(store, done, 'answer', await put(store, done, 'answer'));
      return kept;
    });
    // Only now: an activity that does not complete is run again.
    done.kept.push(first);
    // All that is older than the collection itself may go, and no root names it.
    await collect(store, { graceMs: 0 });
    expect(await store.blobs.has(lost.digest)).toBe(false);
    done.kept.push(await keptBy('run a', () => put(store, done, 'garbage')));
  },
};

function byChance(seed: number): (choice: number) => number {
  return (choice) => {
    const mixed = Math.imul(seed * 7919 + choice, 2_654_435_761) >>> 0;
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

async function cut(scenario: Scenario, operation: number, remains: Remains) {
  const disk = new SimulatedDisk();
  const done: Confirmed = { blobs: new Map(), records: new Map(), kept: [] };
  disk.cutAt(operation);
  const open = (): Promise<Store> => openDirectoryStore('/var/lib/rlm', disk.files());
  const failure: unknown = await scenario(open, done).catch((error: unknown) => error);
  // Whatever still ran has come to its own cut.
  await new Promise((settled) => setImmediate(settled));
  const operations = disk.operations;
  disk.restart(remains);
  return { disk, done, failure, operations, open };
}

async function check({ done, open }: Awaited<ReturnType<typeof cut>>): Promise<void> {
  const store = await open();
  for (const [digest, bytes] of done.blobs) {
    expect((await store.blobs.get(digest)).equals(bytes)).toBe(true);
  }
  for (const [key, digest] of done.records) expect(await store.records.find(key)).toBe(digest);
  // Nothing half-written is to be seen: what is listed is whole, and what is not there is missing, not damaged.
  for await (const { digest } of store.upkeep.blobs()) {
    expect(digestOf(await store.blobs.get(digest))).toBe(digest);
  }
  for (const name of ['first', 'second', 'one', 'two', 'same', 'same too', 'kept', 'answer']) {
    const failure: unknown = await store.blobs
      .get(digestOf(text(name)))
      .then(() => undefined)
      .catch((error: unknown) => error);
    if (failure !== undefined) expect(failure).toBeInstanceOf(BlobMissing);
  }
  for (const key of ['key', 'other', 'race', 'answer']) await store.records.find(key);
  await goesOn(store, done);
}

/** It can be written to, and collecting keeps what the root has. */
async function goesOn(store: Store, done: Confirmed): Promise<void> {
  const { digest } = await store.blobs.put(text('first'));
  await store.records.create('after', digest);
  await collect(store, { graceMs: 0 });
  for (const kept of done.kept) expect(await store.blobs.has(kept)).toBe(true);
}

describe.each(Object.entries(scenarios))('%s', (_, scenario) => {
  test('and loses power at no point', async () => {
    const whole = await cut(scenario, Infinity, 'nothing');
    expect(whole.failure).toBeUndefined();
    await check(whole);
  });

  test('and loses power after every single operation', async () => {
    const { operations } = await cut(scenario, Infinity, 'nothing');
    expect(operations).toBeGreaterThan(50);
    const confirmed = new Set<number>();
    // How the two take turns, and so how many operations there are, differs from time to time: the last cuts may find none.
    const ends = { cut: 0, whole: 0 };
    for (let at = 0; at <= operations; at += 1) {
      for (const remains of ['nothing', 'everything', ...SEEDS.map(byChance)] as const) {
        const after = await cut(scenario, at, remains);
        if (after.failure === undefined) ends.whole += 1;
        else {
          expect(after.failure).toBeInstanceOf(PowerCut);
          ends.cut += 1;
        }
        confirmed.add(after.done.blobs.size);
        await check(after);
      }
    }
    expect(ends.cut).toBeGreaterThan(5 * ends.whole);
    // From nothing confirmed to all of it.
    expect(confirmed.size).toBeGreaterThan(2);
  });
});

test('the disk of this test loses what was not synced', async () => {
  const disk = new SimulatedDisk();
  const files = disk.files();
  await files.makeFolder('/a');
  const root = await files.open('/', 'r');
  await root.sync();
  for (const [name, isSynced] of [
    ['bytes', false],
    ['name', true],
  ] as const) {
    const file = await files.open(`/a/${name}`, 'wx');
    await file.writeFile(Buffer.from('bytes'));
    if (isSynced) await file.sync();
  }
  const folder = await files.open('/a', 'r');
  await folder.sync();
  await files.rename('/a/name', '/a/renamed');
  disk.restart('nothing');
  expect(await files.readdir('/a')).toEqual(['bytes', 'name']);
  expect((await files.readFile('/a/bytes')).toString()).toBe('');
  expect((await files.readFile('/a/name')).toString()).toBe('bytes');
});
