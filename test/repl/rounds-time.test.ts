import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Repl } from '../../repl/index.ts';
import { memoryStore, openTestRepl, Session } from './support/session.ts';

const store = memoryStore();
let repl: Repl;
let session: Session;

beforeAll(async () => {
  repl = await openTestRepl(store);
  session = new Session(repl, store);
});
afterAll(() => repl.dispose());

const POOL =
  'from concurrent.futures import ThreadPoolExecutor, as_completed, wait\nimport asyncio, threading, time\n';

describe('a clock', () => {
  test.each([0, 86_400_000, 4e12])(
    'that begins at %d ms is one that waits and calls go by',
    async (clockMs) => {
      const own = new Session(repl, store, `clock ${clockMs}`);
      const code = `${POOL}begun = time.monotonic()\ntime.sleep(2)\n(llm_query("a"), llm_query("b"), round(time.monotonic() - begun), int(time.time() * 1000) - ${clockMs})`;
      // Two rounds, each answered half a second after the cell began: the sleep has gone further.
      expect((await own.run(code, { clockMs })).value).toBe("('re a', 're b', 2, 2000)");
    },
  );
});

describe('deliveries', () => {
  test('a part of the answers lets the stacks that have theirs go on', async () => {
    const { input, waiting } = await session.wait(
      `${POOL}def both(i): return llm_query("v " + llm_query(f"d{i}"))\nwith ThreadPoolExecutor() as p: r = list(p.map(both, range(3)))\nr`,
    );
    const { calls } = await session.round(waiting);
    const next = await session.deliver(input, waiting, calls.slice(1));
    expect(next).toMatchObject({
      kind: 'waiting',
      firstCall: 4,
      callCount: 2,
      previews: ['v re d1', 'v re d2'],
    });
    if (next.kind !== 'waiting') return;
    const more = await session.deliver(input, next, [
      ...calls.slice(0, 1),
      ...(await session.round(next)).calls,
    ]);
    expect(more).toMatchObject({
      kind: 'waiting',
      firstCall: 6,
      callCount: 1,
      previews: ['v re d0'],
    });
    if (more.kind !== 'waiting') return;
    const end = await session.resume(input, more);
    expect(end).toMatchObject({ kind: 'finished', calls: 6, rounds: [3, 2, 1] });
    if (end.kind === 'finished')
      expect((await session.read(end)).value).toBe("['re v re d0', 're v re d1', 're v re d2']");
  });

  test('a delivery that lets nothing go on gives a wait without new calls', async () => {
    const { input, waiting } = await session.wait('llm_query_batched(["a", "b"])');
    const { calls } = await session.round(waiting);
    const next = await session.deliver(input, waiting, calls.slice(0, 1));
    expect(next).toMatchObject({ kind: 'waiting', firstCall: 3, callCount: 0 });
  });
});

describe('time', () => {
  test('no timer fires while a call is pending; an answer wins over a timeout that is due', async () => {
    const code = `import asyncio\nasync def one(p, t):\n    try: return await asyncio.wait_for(llm_query_async(p), t)\n    except TimeoutError: return "late"\nawait asyncio.gather(one("a", 1), one("b", 100))`;
    const { input, waiting } = await session.wait(code);
    const { calls } = await session.round(waiting);
    const both = await session.deliver(input, waiting, calls, { afterMs: 50_000 });
    expect(both.kind === 'finished' && (await session.read(both)).value).toBe("['re a', 're b']");

    const second = await session.wait(code);
    const round = await session.round(second.waiting);
    const late = await session.deliver(second.input, second.waiting, round.calls.slice(1), {
      afterMs: 50_000,
    });
    expect(late.kind === 'finished' && (await session.read(late)).value).toBe("['late', 're b']");
  });

  test("the clock is the cell's, moves with sleeping and deliveries, and never goes back", async () => {
    const own = new Session(repl, store, 'time');
    const clockMs = Date.UTC(2030, 0, 1);
    const first = await own.run(
      'import time, datetime\ntime.sleep(3600)\nstr(datetime.datetime.now())',
      { clockMs },
    );
    expect(first.value).toBe("'2030-01-01 01:00:00'");
    expect((await own.run('str(datetime.datetime.now())', { clockMs: clockMs + 5000 })).value).toBe(
      "'2030-01-01 01:00:00'",
    );
    const third = await own.run('llm_query("x"); str(datetime.datetime.now())', {
      clockMs: clockMs + 7_200_000,
    });
    expect(third.value).toBe("'2030-01-01 02:00:00.500000'");
    expect((await own.run('import os\ntime.tzname, time.localtime(0).tm_hour')).value).toBe(
      "(('UTC', 'UTC'), 0)",
    );
  });

  test('sleeping threads wake in the order of their times, and nobody waits', async () => {
    const begun = performance.now();
    const ran = await session.run(
      `${POOL}out = []\ndef nap(s): time.sleep(s); out.append(s)\nwith ThreadPoolExecutor() as p: list(p.map(nap, [300, 100, 200]))\nout`,
    );
    expect(ran.value).toBe('[100, 200, 300]');
    expect(performance.now() - begun).toBeLessThan(20_000);
  });
});

describe('the end of a cell', () => {
  test('threads are joined, their calls are one more round, and the model is told', async () => {
    const ran = await session.run(
      `${POOL}left = []\nthreading.Thread(target=lambda: left.append(llm_query("late"))).start()`,
    );
    expect(ran.rounds).toEqual([1]);
    expect(ran.stderr).toBe(
      '[the cell waited at its end for 1 thread(s) that were still running]\n',
    );
    expect((await session.run('left')).value).toBe("['re late']");
  });

  test('daemon threads are ended, asyncio tasks are cancelled', async () => {
    const ran = await session.run(
      `${POOL}def tick():\n    while True: time.sleep(1)\nthreading.Thread(target=tick, daemon=True).start()\nt = asyncio.create_task(asyncio.sleep(1000))\nawait asyncio.sleep(0)`,
    );
    expect(ran.stderr).toBe(
      '[1 asyncio task(s) still ran at the end of the cell and were cancelled: await them in the cell that starts them]\n[1 daemon thread(s) were ended with the cell]\n',
    );
    expect((await session.run('t.cancelled()')).value).toBe('True');
  });

  test('a deadlock is a Python error, never a hang', async () => {
    const ran = await session.run(`${POOL}l = threading.Lock(); l.acquire()\nl.acquire()`);
    expect(ran.error).toMatchObject({
      type: 'Deadlock',
      message: 'deadlock: every thread waits for another one, so nothing can go on',
    });
    const event = await session.run(`${POOL}asyncio.run(asyncio.Event().wait())`);
    expect(event.error).toMatchObject({ type: 'Deadlock' });
    const thread = await session.run(
      `${POOL}t = threading.Thread(target=threading.Event().wait); t.start()`,
    );
    expect(thread.error).toBeNull();
  });

  test('a call that nobody waits for any more does not hold the cell', async () => {
    const { input, waiting } = await session.wait(
      'import asyncio\nt = asyncio.create_task(llm_query_async("slow"))\nr = await llm_query_async("fast")\nr',
    );
    const { calls } = await session.round(waiting);
    const end = await session.deliver(
      input,
      waiting,
      calls.filter(({ preview }) => preview === 'fast'),
    );
    expect(end).toMatchObject({ kind: 'finished', error: null, calls: 2 });
  });
});
