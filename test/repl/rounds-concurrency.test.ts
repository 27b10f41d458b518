import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Repl } from '../../repl/index.ts';
import { memoryStore, openTestRepl, Session } from './support/session.ts';

const store = memoryStore();
let repl: Repl;
let session: Session;

beforeAll(async () => {
  repl = await openTestRepl(store);
  session = new Session(repl, store);
  await session.run(
    'import asyncio, queue, threading, time\nimport concurrent.futures as cf\nfrom concurrent.futures import ThreadPoolExecutor, as_completed, wait',
  );
});
afterAll(() => repl.dispose());

describe('pools', () => {
  test.each([
    [
      'map takes several iterables, a chunk size and a timeout',
      'with ThreadPoolExecutor(2) as p: r = list(p.map(lambda a, b: a + b, [1, 2], [3, 4], chunksize=2, timeout=5))\nr',
      '[4, 6]',
    ],
    [
      'a timeout of map and of a future passes on the virtual clock',
      'with ThreadPoolExecutor() as p:\n    out = []\n    try: list(p.map(time.sleep, [100], timeout=2))\n    except TimeoutError: out.append("map")\n    try: p.submit(time.sleep, 100).result(timeout=3)\n    except cf.TimeoutError: out.append("future")\nout',
      "['map', 'future']",
    ],
    [
      'wait ends at the first exception, the first that is done, or the time',
      'p = ThreadPoolExecutor()\nfs = [p.submit(llm_query, c) for c in "ab"] + [p.submit(lambda: 1 / 0)]\n[[len(s) for s in wait(fs, **k)] for k in ({"return_when": cf.FIRST_EXCEPTION}, {"return_when": cf.FIRST_COMPLETED}, {"timeout": 0}, {})]',
      '[[1, 2], [1, 2], [1, 2], [3, 0]]',
    ],
    [
      'shutdown cancels what has not begun',
      'p = ThreadPoolExecutor()\nfs = [p.submit(llm_query, str(i)) for i in range(600)]\np.shutdown(wait=True, cancel_futures=True)\nall(f.cancelled() for f in fs)',
      'True',
    ],
    [
      'an initializer runs in each thread; one that fails breaks the pool',
      'tl = threading.local()\ndef init(x): tl.v = x\nwith ThreadPoolExecutor(initializer=init, initargs=(7,)) as p: r = list(p.map(lambda _: tl.v, "ab"))\ndef bad(): raise ValueError("no")\np = ThreadPoolExecutor(initializer=bad)\nr, repr(p.submit(print).exception())',
      `([7, 7], 'BrokenThreadPool("the initializer of the pool failed: ValueError(\\'no\\')")')`,
    ],
    [
      'callbacks run when the answer is there',
      'seen = []\nwith ThreadPoolExecutor() as p: p.submit(llm_query, "x").add_done_callback(lambda f: seen.append(f.result()))\nseen',
      "['re x']",
    ],
  ])('%s', async (_, code, value) => {
    const ran = await session.run(code);
    expect(ran.error).toBeNull();
    expect(ran.value).toBe(value);
  });

  test('a pool that was shut down takes nothing more', async () => {
    await session.run('closed = ThreadPoolExecutor()\nclosed.shutdown()');
    expect((await session.run('closed.submit(print)')).error).toMatchObject({
      type: 'RuntimeError',
      message: 'cannot schedule new futures after shutdown',
    });
  });
});

describe('threads', () => {
  test.each([
    [
      'a barrier lets all through after the calls of all',
      'b, out = threading.Barrier(3), []\ndef work(i): llm_query(str(i)); b.wait(); out.append(i)\nts = [threading.Thread(target=work, args=(i,)) for i in range(3)]\n[t.start() for t in ts]; [t.join() for t in ts]\nsorted(out)',
      '[0, 1, 2]',
    ],
    [
      'a condition is waited for, with a timeout on the virtual clock',
      'c, items, got = threading.Condition(), [], []\ndef consume():\n    with c: got.append(c.wait_for(lambda: items, timeout=50) and items.pop())\nt = threading.Thread(target=consume); t.start()\nwith c: items.append(llm_query("p")); c.notify_all()\nt.join()\nwith c: got.append(c.wait_for(lambda: items, timeout=5))\ngot',
      "['re p', []]",
    ],
    [
      'an event comes by a timer, or not',
      'e = threading.Event()\nfirst = e.wait(10)\nthreading.Timer(5, e.set).start()\nfirst, e.wait(10)',
      '(False, True)',
    ],
    [
      'subclasses keep what they found; the main thread is alive',
      'class T(threading.Thread):\n    def run(self): self.r = llm_query("sub")\nt = T(daemon=True); t.start(); t.join()\nt.r, t.is_alive(), threading.main_thread().is_alive(), threading.active_count()',
      "('re sub', False, True, 1)",
    ],
    [
      'workers on a queue share the calls',
      'q, res = queue.Queue(), []\ndef work():\n    while True:\n        item = q.get()\n        res.append(llm_query(item)); q.task_done()\nfor _ in range(4): threading.Thread(target=work, daemon=True).start()\nfor c in "abcdefgh": q.put(c)\nq.join()\nsorted(res) == [f"re {c}" for c in "abcdefgh"]',
      'True',
    ],
    [
      'queues time out on the virtual clock',
      'q = queue.Queue(1); q.put(1); out = []\ntry: q.put(2, timeout=60)\nexcept queue.Full: out.append("full")\ntry: queue.SimpleQueue().get(timeout=60)\nexcept queue.Empty: out.append("empty")\nout',
      "['full', 'empty']",
    ],
  ])('%s', async (_, code, value) => {
    const ran = await session.run(code);
    expect(ran.error).toBeNull();
    expect(ran.value).toBe(value);
  });

  test('their number ends at a RuntimeError, and the kernel lives', async () => {
    const ran = await session.run(
      'ev, ts = threading.Event(), []\ntry:\n    for i in range(5000):\n        t = threading.Thread(target=ev.wait); t.start(); ts.append(t)\nexcept RuntimeError as e: print(len(ts), e)\nev.set()\nfor t in ts: t.join()\nllm_query("alive")',
    );
    expect(ran).toMatchObject({
      stdout: "1999 can't start new thread: 2000 are running\n",
      value: "'re alive'",
    });
  });

  test('an exception in one is told with the line of the cell, and ends no other', async () => {
    const ran = await session.run(
      't = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()\n"on"',
    );
    expect(ran.value).toBe("'on'");
    expect(ran.stderr).toMatch(
      /^Exception in thread Thread-\d+ \(<lambda>\):\n[^]*in <lambda>\n[^]*ZeroDivisionError: division by zero\n$/,
    );
  });
});

describe('asyncio', () => {
  test.each([
    [
      'timeouts pass on the virtual clock',
      'out = []\ntry: await asyncio.wait_for(asyncio.sleep(100), 1)\nexcept TimeoutError: out.append("wait_for")\ntry:\n    async with asyncio.timeout(1): await asyncio.sleep(100)\nexcept TimeoutError: out.append("timeout")\nout',
      "['wait_for', 'timeout']",
    ],
    [
      'wait ends at the first',
      'done, left = await asyncio.wait([asyncio.create_task(asyncio.sleep(i)) for i in (1, 50)], return_when=asyncio.FIRST_COMPLETED)\n[t.cancel() for t in left]\nlen(done), len(left)',
      '(1, 1)',
    ],
    [
      'a bounded queue joins a producer and a consumer',
      'q = asyncio.Queue(1)\nasync def make():\n    for c in "ab": await q.put(await llm_query_async(c))\n    await q.put(None)\nasync def take():\n    out = []\n    while (x := await q.get()) is not None: out.append(x)\n    return out\n(await asyncio.gather(make(), take()))[1]',
      "['re a', 're b']",
    ],
    [
      'a task group ends its other tasks with the first exception',
      'async def fail(): raise ValueError("one")\nout = []\ntry:\n    async with asyncio.TaskGroup() as g: g.create_task(asyncio.sleep(100)); g.create_task(fail())\nexcept* ValueError as e: out = [repr(x) for x in e.exceptions]\nout',
      `["ValueError('one')"]`,
    ],
    [
      'gather returns exceptions when asked to',
      'async def fail(): raise ValueError("one")\n[repr(x) for x in await asyncio.gather(llm_query_async("a"), fail(), return_exceptions=True)]',
      `["'re a'", "ValueError('one')"]`,
    ],
  ])('%s', async (_, code, value) => {
    const ran = await session.run(code);
    expect(ran.error).toBeNull();
    expect(ran.value).toBe(value);
  });

  test('a task of a cell that awaits nothing begins, is cancelled at its end, and the model is told', async () => {
    const ran = await session.run(
      'async def work():\n    print("begun")\n    await llm_query_async("never asked")\nt = asyncio.create_task(work())',
    );
    expect(ran).toMatchObject({ error: null, stdout: 'begun\n', rounds: [] });
    expect(ran.stderr).toBe(
      '[1 asyncio task(s) still ran at the end of the cell and were cancelled: await them in the cell that starts them]\n',
    );
    expect((await session.run('t.cancelled()')).value).toBe('True');
  });

  test('a task that is done after its turn is not cancelled', async () => {
    const ran = await session.run(
      'async def quick(): return 5\nt = asyncio.create_task(quick())\nt.done()',
    );
    expect(ran).toMatchObject({ value: 'False', stderr: '' });
    expect((await session.run('t.result()')).value).toBe('5');
  });

  test('a thread has no loop to make tasks in, as elsewhere', async () => {
    const ran = await session.run(
      'def work():\n    c = asyncio.sleep(0)\n    try: asyncio.create_task(c)\n    except RuntimeError as e: print(e); c.close()\nt = threading.Thread(target=work); t.start(); t.join()',
    );
    expect(ran.stdout).toBe('no running event loop\n');
  });

  test('a script that looks for a running loop finds none, and runs its own', async () => {
    const ran = await session.run(
      'async def main(): return await llm_query_async("a")\ntry: asyncio.get_running_loop()\nexcept RuntimeError: r = asyncio.run(main())\nr, asyncio.get_event_loop().run_until_complete(main())',
    );
    expect(ran.value).toBe("('re a', 're a')");
  });
});
