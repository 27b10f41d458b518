import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CellOutcome, JournalCall, RunCellInput, WaitingCell } from '../../protocol/index.ts';
import type { Repl } from '../../repl/index.ts';
import { freeMemoryMiB } from '../../repl/free-memory.ts';
import { HostRoom } from '../../repl/host-room.ts';
import type { Store } from '../../store/index.ts';
import { memoryStore, openTestRepl, Session } from './support/session.ts';

// Scope: a kernel that is kept is only a cache: whoever takes it, and whenever, the steps are the same. Two attempts that
// race for one are in replay.test.ts.

const QUEUE = { name: 'rlm-host-test', slots: 2 };
const store = memoryStore();
let here: Repl;
/** Another worker, whose store can be held up, and whose free memory is what a test says. */
let slow: Repl;
let gate: Promise<void> = Promise.resolve();
let freeMiB = Infinity;

beforeAll(async () => {
  [here, slow] = await Promise.all([
    openTestRepl(store, { hostQueue: QUEUE }),
    openTestRepl(gated(store), { hostQueue: QUEUE, freeMiB: async () => freeMiB }),
  ]);
});
afterAll(async () => {
  await Promise.all([here.dispose(), slow.dispose()]);
});

/** Stores nothing while the gate is closed. */
function gated(inner: Store): Store {
  return {
    ...inner,
    records: inner.records,
    blobs: {
      put: async (bytes) => {
        await gate;
        return inner.blobs.put(bytes);
      },
      get: (digest) => inner.blobs.get(digest),
      has: (digest) => inner.blobs.has(digest),
      touch: (digest) => inner.blobs.touch(digest),
    },
    describe: () => inner.describe(),
  };
}

const TWO_ROUNDS = `
a = llm_query("first")
b = llm_query("second " + a)
(a, b)`;

/** The step that hands in some answers to a waiting cell; they are recorded. */
async function next(
  session: Session,
  input: RunCellInput,
  waiting: WaitingCell,
  calls?: JournalCall[],
): Promise<RunCellInput> {
  let step: RunCellInput | undefined;
  const answered = calls ?? (await session.round(waiting)).calls;
  await session.deliver(input, waiting, answered, {
    run: async (made) => {
      step = made;
      return waiting;
    },
  });
  if (step === undefined) throw new Error('no step');
  return step;
}

function asWaiting(outcome: CellOutcome): WaitingCell {
  if (outcome.kind !== 'waiting') throw new Error(`not waiting: ${JSON.stringify(outcome)}`);
  return outcome;
}

function heapOf(outcome: CellOutcome): string {
  if (outcome.kind !== 'finished') throw new Error(`not finished: ${JSON.stringify(outcome)}`);
  return outcome.image.heapDigest;
}

/** What a step is: not where and how it came about. */
function withoutPlace(outcome: CellOutcome): unknown {
  return { ...outcome, place: null, way: null, computeMs: null };
}

describe('an outcome', () => {
  test('says which way the step went, on which host, and who keeps its kernel', async () => {
    const session = new Session(here, store, 'ways');
    const { input, waiting } = await session.wait(TWO_ROUNDS);
    const host = expect.stringMatching(new RegExp(`^.+/${process.pid}/${here.hostPids[0]}$`));
    const queue = QUEUE.name;
    expect(waiting.place).toEqual({ way: 'restored', host, queue });
    const second = asWaiting(await session.resume(input, waiting));
    expect(second.place).toEqual({ way: 'parked', host, queue });
    session.repl = slow;
    const end = await session.resume(input, second);
    expect(end.place).toMatchObject({ way: 'replayed', queue });
    expect(end.place?.host).toMatch(new RegExp(`/${slow.hostPids[0]}$`));
  });

  test('names the same place for the next cell, which finds the kernel at rest there', async () => {
    const session = new Session(here, store, 'rest');
    await session.run('x = 1');
    const second = await session.outcome('x += 1');
    expect(second.place).toMatchObject({ way: 'parked', queue: QUEUE.name });
    session.repl = slow;
    expect((await session.outcome('x += 1')).place).toMatchObject({ way: 'restored' });
  });

  test('of a cell that was rolled back names no queue: its kernel is gone', async () => {
    const { place } = await new Session(here, store, 'gone').rolledBack('while True: pass', {
      limits: { computeMs: 300 },
    });
    expect(place).toMatchObject({ way: 'restored' });
    expect(place).not.toHaveProperty('queue');
  });

  test('of a host that is short of memory names no queue, and its kernel is not kept', async () => {
    const session = new Session(slow, store, 'short');
    freeMiB = 100;
    const { input, waiting } = await session.wait(TWO_ROUNDS);
    freeMiB = Infinity;
    expect(waiting.place).not.toHaveProperty('queue');
    const second = asWaiting(await session.resume(input, waiting));
    expect(second.place).toMatchObject({ way: 'replayed', queue: QUEUE.name });
  });

  test('of a host with more steps than slots, or with steps that wait for memory, names no queue', () => {
    const room = new HostRoom(QUEUE, async () => Infinity);
    for (let step = 0; step < QUEUE.slots; step++) room.enter();
    expect(room.place('parked', 1, true)).toHaveProperty('queue', QUEUE.name);
    expect(room.place('parked', 1, false)).not.toHaveProperty('queue');
    room.enter();
    expect(room.place('parked', 1, true)).not.toHaveProperty('queue');
    room.leave();
    expect(room.place('parked', 1, true)).toHaveProperty('queue', QUEUE.name);
    let isShort = true;
    const crowded = new HostRoom(
      QUEUE,
      async () => Infinity,
      () => isShort,
    );
    expect(crowded.place('parked', 1, true)).not.toHaveProperty('queue');
    isShort = false;
    expect(crowded.place('parked', 1, true)).toHaveProperty('queue', QUEUE.name);
    expect(new HostRoom(null).place('parked', 1, true)).not.toHaveProperty('queue');
  });
});

describe('free memory', () => {
  test('is what the machine or its container has left, page cache included', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rlm-memory-'));
    const file = async (name: string, text: string): Promise<string> => {
      await writeFile(join(folder, name), text);
      return join(folder, name);
    };
    const mib = 2 ** 20;
    const machine = await file('meminfo', 'MemTotal: 9 kB\nMemAvailable:    2048000 kB\n');
    const limit = await file('limit', `${1000 * mib}\n`);
    const used = await file('used', `${900 * mib}\n`);
    const stat = await file('stat', `anon 1\ninactive_file ${300 * mib}\n`);
    const container = { limit, used, stat, reclaimable: 'inactive_file' };
    expect(await freeMemoryMiB({ machine, containers: [] })).toBe(2000);
    expect(await freeMemoryMiB({ machine, containers: [container] })).toBe(400);
    const unlimited = { ...container, limit: await file('max', 'max\n') };
    expect(await freeMemoryMiB({ machine, containers: [unlimited] })).toBe(2000);
    expect(await freeMemoryMiB({ machine: join(folder, 'none'), containers: [] })).toBe(Infinity);
    await rm(folder, { recursive: true });
  });

  test('is known on this machine', async () => {
    const free = await freeMemoryMiB();
    expect(free).toBeGreaterThan(0);
    if (process.platform === 'linux') expect(free).toBeLessThan(Infinity);
  });
});

describe('a late attempt', () => {
  test('that finishes after its successor says the same, and disturbs nobody', async () => {
    const session = new Session(slow, store, 'late');
    const { input, waiting } = await session.wait(TWO_ROUNDS);
    const second = await next(session, input, waiting);
    // It takes the parked kernel, and is held up when it has run.
    const closed = Promise.withResolvers<void>();
    gate = closed.promise;
    const late = slow.runStep(second);
    session.repl = here;
    const successor = asWaiting(await here.runStep(second));
    expect(successor.way).toBe('replayed');
    const end = await session.resume(input, successor);
    expect(end).toMatchObject({ kind: 'finished', way: 'parked' });
    closed.resolve();
    const outcome = asWaiting(await late);
    expect(outcome.way).toBe('parked');
    expect(withoutPlace(outcome)).toEqual(withoutPlace(successor));
    // What it left is as good as the successor's kernel was.
    session.repl = slow;
    const again = await session.resume(input, outcome);
    expect(again).toMatchObject({ way: 'parked' });
    expect(heapOf(again)).toBe(heapOf(end));
  });

  test('that was given up keeps no kernel, even if it ends well', async () => {
    const session = new Session(slow, store, 'given up');
    const { input, waiting } = await session.wait(TWO_ROUNDS);
    const second = await next(session, input, waiting);
    const closed = Promise.withResolvers<void>();
    gate = closed.promise;
    const lost = new AbortController();
    const late = slow.runStep(second, { signal: lost.signal });
    await new Promise((resolve) => setTimeout(resolve, 300));
    lost.abort(new Error('the heartbeat was lost'));
    closed.resolve();
    await expect(late).rejects.toThrow('the heartbeat was lost');
    const successor = await slow.runStep(second);
    expect(successor).toMatchObject({ kind: 'waiting', way: 'replayed' });
  });
});

describe('an answer for an older round', () => {
  const OVERLAPPING = `
from concurrent.futures import ThreadPoolExecutor
def chain(name): return llm_query(f"{name} again, after " + llm_query(name))
with ThreadPoolExecutor() as pool: out = list(pool.map(chain, ["slow", "fast"]))
out`;

  /** The call "slow" of round 1 is answered when the cell has stopped at round 2 already. */
  async function play(name: string, choose: (step: number) => Repl): Promise<CellOutcome[]> {
    const session = new Session(choose(0), store, name);
    const { input, waiting } = await session.wait(OVERLAPPING);
    const [slowCall, fastCall] = (await session.round(waiting)).calls;
    if (slowCall === undefined || fastCall === undefined) throw new Error('two calls expected');
    session.repl = choose(1);
    const second = asWaiting(await session.deliver(input, waiting, [fastCall], { afterMs: 10 }));
    session.repl = choose(2);
    const third = asWaiting(await session.deliver(input, second, [slowCall], { afterMs: 20 }));
    const open = [...(await session.round(second)).calls, ...(await session.round(third)).calls];
    session.repl = choose(3);
    const end = await session.deliver(input, third, open, { afterMs: 30 });
    return [second, third, end];
  }

  test('goes to the call that waits for it, the same in the kernel that waited and in a replay', async () => {
    const parked = await play('older', () => here);
    const replayed = await play('older', (step) => (step % 2 === 0 ? slow : here));
    expect(parked.map(({ way }) => way)).toEqual(['parked', 'parked', 'parked']);
    expect(replayed.map(({ way }) => way)).toEqual(['replayed', 'replayed', 'replayed']);
    expect(parked.map(withoutPlace)).toEqual(replayed.map(withoutPlace));
    expect(parked[2]).toMatchObject({
      kind: 'finished',
      value: { text: "['re slow again, after re slow', 're fast again, after re fast']" },
    });
  });

  test('that comes with a step of before leaves the kernel of the newer round alone', async () => {
    const session = new Session(here, store, 'stale');
    const { input, waiting } = await session.wait(TWO_ROUNDS);
    const first = await next(session, input, waiting);
    const second = asWaiting(await here.runStep(first));
    // The same step once more: its kernel has gone on meanwhile.
    const stale = asWaiting(await here.runStep(first));
    expect(stale.way).toBe('replayed');
    expect(withoutPlace(stale)).toEqual(withoutPlace(second));
    expect(await session.resume(input, second)).toMatchObject({ kind: 'finished', way: 'parked' });
  });
});
