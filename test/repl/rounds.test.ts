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

describe('each parallel form makes one round', () => {
  test.each([
    ['a plain call', 'llm_query("a")', "'re a'", [1]],
    [
      'plain calls one after the other',
      '[llm_query(p) for p in "abc"]',
      "['re a', 're b', 're c']",
      [1, 1, 1],
    ],
    ['llm_query_batched', 'llm_query_batched(list("abc"))', "['re a', 're b', 're c']", [3]],
    ['an empty batch', 'llm_query_batched([])', '[]', []],
    [
      'pool.map',
      'with ThreadPoolExecutor() as p: r = list(p.map(llm_query, "abc"))\nr',
      "['re a', 're b', 're c']",
      [3],
    ],
    [
      'max_workers does not narrow it below 64',
      'with ThreadPoolExecutor(max_workers=2) as p: r = list(p.map(llm_query, map(str, range(70))))\nlen(r)',
      '70',
      [64, 6],
    ],
    [
      'submit and as_completed',
      'with ThreadPoolExecutor() as p:\n    fs = [p.submit(llm_query, x) for x in "ab"]\n    r = [f.result() for f in as_completed(fs)]\nr',
      "['re a', 're b']",
      [2],
    ],
    [
      'wait without a with block',
      'p = ThreadPoolExecutor()\nfs = [p.submit(llm_query, x) for x in "ab"]\ndone, left = wait(fs)\nlen(done), len(left)',
      '(2, 0)',
      [2],
    ],
    [
      'nested pools',
      'def inner(i):\n    with ThreadPoolExecutor() as q: return list(q.map(lambda j: llm_query(f"{i}.{j}"), range(3)))\nwith ThreadPoolExecutor() as p: r = list(p.map(inner, range(4)))\nr[3]',
      "['re 3.0', 're 3.1', 're 3.2']",
      [12],
    ],
    [
      'draft, then verify, in a pool',
      'def both(i): return llm_query("v " + llm_query(f"d {i}"))\nwith ThreadPoolExecutor() as p: r = list(p.map(both, range(2)))\nr',
      "['re v re d 0', 're v re d 1']",
      [2, 2],
    ],
    [
      'threads',
      'out = {}\ndef work(i): out[i] = llm_query(str(i))\nts = [threading.Thread(target=work, args=(i,)) for i in range(3)]\nfor t in ts: t.start()\nfor t in ts: t.join()\nout',
      "{0: 're 0', 1: 're 1', 2: 're 2'}",
      [3],
    ],
    [
      'gather of llm_query_async',
      'await asyncio.gather(*[llm_query_async(x) for x in "abc"])',
      "['re a', 're b', 're c']",
      [3],
    ],
    [
      'asyncio.run in a plain cell',
      'async def main(): return await asyncio.gather(llm_query_async("a"), llm_query_async("b"))\nasyncio.run(main())',
      "['re a', 're b']",
      [2],
    ],
    [
      'asyncio.run inside a running loop',
      'async def main(): return await llm_query_async("a")\nawait asyncio.sleep(0)\nasyncio.run(main())',
      "'re a'",
      [1],
    ],
    [
      'TaskGroup',
      'async with asyncio.TaskGroup() as g: ts = [g.create_task(llm_query_async(x)) for x in "ab"]\n[t.result() for t in ts]',
      "['re a', 're b']",
      [2],
    ],
    [
      'asyncio.as_completed',
      'r = []\nfor f in asyncio.as_completed([llm_query_async(x) for x in "ab"]): r.append(await f)\nsorted(r)',
      "['re a', 're b']",
      [2],
    ],
    [
      'to_thread and run_in_executor',
      'loop = asyncio.get_running_loop()\nawait asyncio.gather(asyncio.to_thread(llm_query, "a"), loop.run_in_executor(None, llm_query, "b"))',
      "['re a', 're b']",
      [2],
    ],
    [
      'a semaphore narrows it, as the code asks',
      's = asyncio.Semaphore(2)\nasync def one(x):\n    async with s: return await llm_query_async(x)\nawait asyncio.gather(*[one(x) for x in "abcd"])',
      "['re a', 're b', 're c', 're d']",
      [2, 1, 1],
    ],
    [
      'async beside threads',
      'with ThreadPoolExecutor() as p:\n    f = p.submit(llm_query, "t")\n    r = await llm_query_async("a")\n[r, f.result()]',
      "['re a', 're t']",
      [2],
    ],
  ])('%s', async (_, code, value, rounds) => {
    const partial = code.startsWith('s = asyncio.Semaphore');
    const ran = await session.run(POOL + code);
    expect(ran.error).toBeNull();
    expect(ran.value).toBe(value);
    expect(partial ? ran.rounds[0] : ran.rounds).toEqual(partial ? 2 : rounds);
  });

  test('plain calls in a gather run in sequence, with one hint', async () => {
    const ran = await session.run(
      'import asyncio\nasync def one(x): return await llm_query(x)\nawait asyncio.gather(one("a"), one("b"))',
    );
    expect(ran.value).toBe("['re a', 're b']");
    expect(ran.rounds).toEqual([1, 1]);
    expect(ran.stderr).toBe(
      'await llm_query(...) answers one call after the other; await llm_query_async(...) and llm_query_batched([...]) run in parallel.\n',
    );
  });

  test('exceptions in a pool reach the caller, and the pool goes on', async () => {
    const ran = await session.run(
      `${POOL}def work(i):\n    r = llm_query(str(i))\n    if i == 1: raise ValueError("one")\n    return r\nwith ThreadPoolExecutor() as p:\n    fs = [p.submit(work, i) for i in range(3)]\n[repr(f.exception()) if f.exception() else f.result() for f in fs]`,
    );
    expect(ran.value).toBe(`['re 0', "ValueError('one')", 're 2']`);
    expect(ran.rounds).toEqual([3]);
  });

  test('a pool outlives its cell', async () => {
    await session.run(`${POOL}lasting = ThreadPoolExecutor()\nlist(lasting.map(llm_query, "ab"))`);
    expect((await session.run('list(lasting.map(llm_query, "cd"))')).value).toBe(
      "['re c', 're d']",
    );
  });

  test('locks, events, queues and thread-local state work across waits', async () => {
    const ran = await session.run(
      `${POOL}import queue
lock, q, log, mine = threading.Lock(), queue.Queue(), [], threading.local()
def work(i):
    mine.i = i
    with lock:
        log.append(("in", i)); llm_query(str(i)); log.append(("out", i))
    q.put(mine.i)
ts = [threading.Thread(target=work, args=(i,), name=f"t{i}") for i in range(3)]
[t.start() for t in ts]
got = sorted(q.get() for _ in ts)
[t.join() for t in ts]
all(a[1] == b[1] for a, b in zip(log[::2], log[1::2])), got, ts[0].is_alive(), threading.current_thread().name`,
    );
    expect(ran.value).toBe("(True, [0, 1, 2], False, 'MainThread')");
    expect(ran.rounds).toEqual([1, 1, 1]);
  });
});

describe('replies', () => {
  test('a failed call of a batch does not fail the batch, and is no answer', async () => {
    const ran = await session.run(
      'rs = llm_query_batched(["a", "bad", "c"])\n[(ok(r), r.error, str(r)) for r in rs]',
      { answer: (prompt) => (prompt === 'bad' ? { failed: 'content filter' } : `re ${prompt}`) },
    );
    expect(ran.value).toBe(
      "[(True, None, 're a'), (False, 'Model.Rejected: content filter', '[sub-call failed, this is no answer. Model.Rejected: content filter]'), (True, None, 're c')]",
    );
  });

  test('carry usage, finish reason, model and parsed data, also in the next cell', async () => {
    await session.run('r = llm_query("a")', { answer: () => '```json\n{"n": [1]}\n```' });
    expect(
      (await session.run('r.data, r.finish_reason, r.model, r.usage["costUsd"], type(r).__name__'))
        .value,
    ).toBe("({'n': [1]}, 'stop', 'test', 0, 'Reply')");
    expect(
      (
        await session.run(
          'import pickle, copy\np = pickle.loads(pickle.dumps(r)); p == r, p.model, copy.copy(r).model',
        )
      ).value,
    ).toBe("(True, 'test', 'test')");
  });

  test.each([
    [
      'llm_query(["a"])',
      'TypeError',
      'llm_query() takes one prompt (a str); for several prompts use llm_query_batched([...])',
    ],
    ['llm_query(5)', 'TypeError', 'llm_query() takes a prompt of type str, not int'],
    ['llm_query("")', 'ValueError', 'llm_query() was given an empty prompt'],
    [
      'llm_query_batched("abc")',
      'TypeError',
      'llm_query_batched() takes a list of prompts; for one prompt use llm_query(prompt)',
    ],
    [
      'rlm_query("a", context=object())',
      'TypeError',
      'context must be a str or data that json can hold: Object of type object is not JSON serializable',
    ],
    [
      'rlm_query_batched(["a"], [1, 2])',
      'ValueError',
      'rlm_query_batched() was given 1 prompts and 2 contexts',
    ],
  ])('%s is refused before anything is sent', async (code, type, message) => {
    expect((await session.run(code)).error).toMatchObject({ type, message });
  });

  test('more calls at once than the limit are refused by a Python error', async () => {
    const { error } = await session.run('llm_query_batched(["x"] * 11)', {
      limits: { pendingCalls: 10 },
    });
    expect(error).toMatchObject({
      type: 'RuntimeError',
      message: 'too many calls wait at the same time: at most 10; ask in smaller batches',
    });
  });

  test('a sub-run travels with its context', async () => {
    const { waiting } = await session.wait('rlm_query_batched(["p", "q"], ["text", {"a": 1}])');
    expect(waiting.previews).toEqual(['', '']);
    expect(
      waiting.subRuns.map(({ call, prompt, context }) => [
        call,
        prompt.head,
        context?.format,
        context?.sizeBytes,
      ]),
    ).toEqual([
      [1, 'p', 'text', 4],
      [2, 'q', 'json', 8],
    ]);
  });
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
