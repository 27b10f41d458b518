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
