import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Repl } from '../../repl/index.ts';
import { memoryStore, openTestRepl, Session } from './support/session.ts';

const store = memoryStore();
let repl: Repl;
let pids: number[];

beforeAll(async () => {
  repl = await openTestRepl(store);
  pids = repl.hostPids;
});
afterAll(async () => {
  expect(repl.hostPids).toEqual(pids);
  await repl.dispose();
});

async function sessionWith(code: string): Promise<Session> {
  const session = new Session(repl, store, 'edges');
  await session.run(code);
  return session;
}

const ROLLED_BACK = 'The cell was rolled back, all variables are as before it: ';

describe('a heap that is full to the last hundred bytes', () => {
  const FULL = `x = []
for size in (10**6, 10**5, 10**4, 1000, 100):
    try:
        while True: x.append(bytes(size))
    except MemoryError: pass
`;
  const limits = { heapMiB: 100 };

  test.each([
    ['a call', 'r = llm_query("q")', null],
    ['a round of calls', 'r = llm_query_batched(["a" * 1000] * 50)[-1][:4]', null],
    [
      'a thread',
      'import threading\nr = []\nt = threading.Thread(target=lambda: r.append(1)); t.start(); t.join()',
      null,
    ],
    ['a coroutine', 'async def f(): return 1\nr = await f()', null],
    ['an exception', 'raise ValueError("full")', 'ValueError: full'],
    ['an import', 'import csv, sqlite3, html', 'MemoryError: '],
    ['more variables', 'globals().update({f"v{i}": i for i in range(1000)})', 'MemoryError: '],
  ])('still has room for the session itself: %s', async (_what, code, error) => {
    const session = await sessionWith('kept = 41');
    const ran = await session.run(FULL + code, { limits });
    expect(ran.error && `${ran.error.type}: ${ran.error.message}`).toBe(error);
    expect((await session.run('x = None\nkept + 1', { limits })).value).toBe('42');
  });

  test('refuses a thread rather than die of it', async () => {
    const session = await sessionWith('kept = 41');
    const { stdout, stderr } = await session.run(
      `import threading
started = 0
try:
    while True:
        threading.Thread(target=llm_query, args=("t",)).start()
        started += 1
except RuntimeError as error: print(error)`,
      { limits },
    );
    expect(stdout).toBe("can't start new thread: there is no memory for it\n");
    expect(stderr).toMatch(
      /^\[the cell waited at its end for \d{3} thread\(s\) that were still running\]\n$/,
    );
    expect((await session.run('kept + 1', { limits })).value).toBe('42');
  });
});

describe('an exception with a message larger than the memory that is left', () => {
  test('is told by the beginning of its message', async () => {
    const session = await sessionWith('kept = 41');
    const { error, traceback } = await session.run('raise ValueError("m" * 10**8)', {
      limits: { heapMiB: 160 },
    });
    expect(error).toMatchObject({ type: 'ValueError', message: 'm'.repeat(900) });
    expect(traceback).toMatch(/^Traceback.*\n {2}File "<cell 1\.2>", line 1, in <module>\n/);
    expect((await session.run('kept + 1')).value).toBe('42');
  });
});

describe('C code that recurses without checks of its own', () => {
  const chain = (depth: number): string =>
    `x = map(int, [1])\nfor _ in range(${depth}): x = map(int, x)\n`;
  const OVERFLOW = {
    kind: 'rolledBack',
    reason: 'limit',
    message: `${ROLLED_BACK}recursion in C code went too deep. Write it without such deep recursion or so much at once.`,
  };

  test('may use all of its stack', async () => {
    const session = await sessionWith('kept = 41');
    expect((await session.run(`${chain(20_000)}list(x)`)).value).toBe('[1]');
  });

  test.each([
    ['the cell', `${chain(40_000)}list(x)`],
    [
      'a thread',
      `${chain(5000)}import threading\nt = threading.Thread(target=list, args=(x,)); t.start(); t.join()`,
    ],
    [
      'a thread beside threads that wait',
      `${chain(5000)}from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor() as pool:
    calls = [pool.submit(llm_query, "q") for _ in range(90)]
    deep = pool.submit(list, x)
    [c.result() for c in calls], deep.result()`,
    ],
  ])('leaves its stack in %s: no image is taken of what lies below it', async (_where, code) => {
    const session = await sessionWith('kept = 41');
    expect(await session.outcome(code)).toMatchObject(OVERFLOW);
    expect((await session.run('kept + 1')).value).toBe('42');
  });
});

describe('the quota of files', () => {
  test.each([
    ['the first write to a file', 'open("/tmp/a", "wb", 0).write(b"x" * 2_000_000)'],
    [
      'many files',
      'for i in range(40):\n    with open(f"/tmp/{i}", "wb", 0) as f: f.write(b"x" * 100_000)',
    ],
    [
      'files that have no name any more',
      'import os\nheld = []\nfor i in range(40):\n    held.append(open("/tmp/a", "wb", 0)); os.unlink("/tmp/a"); held[-1].write(b"x" * 100_000)',
    ],
    ['writing in the middle', 'f = open("/tmp/a", "wb", 0)\nf.seek(1_500_000); f.write(b"x")'],
  ])('counts %s', async (_what, code) => {
    const session = await sessionWith('kept = 41');
    const limits = { filesBytes: 1_000_000 };
    expect((await session.run(code, { limits })).error).toMatchObject({
      type: 'OSError',
      message: '[Errno 51] No space left on device',
    });
    expect((await session.run('open("/tmp/small", "w").write("x")\nkept', { limits })).value).toBe(
      '41',
    );
  });
});
