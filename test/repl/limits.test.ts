import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Repl } from '../../repl/index.ts';
import { memoryStore, openTestRepl, Session } from './support/session.ts';

const store = memoryStore();
let repl: Repl;
let session: Session;

beforeAll(async () => {
  repl = await openTestRepl(store);
  session = new Session(repl, store);
  await session.run('kept = "as before"\nimport json, pickle, re, copy');
});
afterAll(() => repl.dispose());

const ROLLED_BACK = 'The cell was rolled back, all variables are as before it: ';

async function expectKept(): Promise<void> {
  expect((await session.run('kept')).value).toBe("'as before'");
}

describe('compute time', () => {
  const TIMEOUT = {
    kind: 'rolledBack',
    reason: 'timeout',
    message: `${ROLLED_BACK}the compute time of the cell is used up. Do less in one cell, search instead of looping over characters, or avoid the expression that never ends.`,
  };
  test.each([
    ['a loop', 'while True: pass'],
    [
      'a loop that swallows everything',
      'while True:\n    try:\n        while True: pass\n    except BaseException: pass\n    finally:\n        continue',
    ],
    ['a catastrophic pattern', 're.match(r"(a+)+$", "a" * 40 + "b")'],
    ['a number without end', '10 ** 10 ** 8'],
    ['C code that loops', 'sum(range(10 ** 12))'],
    [
      'a loop in a pool',
      'from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor() as p: p.submit(exec, "while True: pass")',
    ],
    [
      'a loop at garbage collection',
      'class A:\n    def __del__(self):\n        while True: pass\nA()',
    ],
    [
      'a loop in a finalizer of the session',
      'import sys\nclass Out:\n    def write(self, s):\n        while True: pass\nsys.stdout = Out()\nprint(1)',
    ],
    [
      'tasks that never rest',
      'import asyncio\nasync def spin():\n    while True: await asyncio.sleep(0)\nawait spin()',
    ],
  ])('%s is ended and rolled back', async (_, code) => {
    const outcome = await session.outcome(`kept = "changed"\n${code}`, {
      limits: { computeMs: 700 },
    });
    expect(outcome).toMatchObject(TIMEOUT);
    await expectKept();
  });

  test('what it had written until then is shown', async () => {
    const { stdout, stderr } = await session.rolledBack(
      'import sys\nprint("so far é")\nprint("trouble", file=sys.stderr)\nwhile True: pass',
      { limits: { computeMs: 500 } },
    );
    expect([stdout.text, stderr.text]).toEqual(['so far é\n', 'trouble\n']);
  });

  test('waiting for answers does not count, the stretches between do', async () => {
    const { input, waiting } = await session.wait(
      'x = sum(range(10**6))\nr = llm_query("q")\nwhile True: pass',
      {
        limits: { computeMs: 1500 },
      },
    );
    expect(await session.resume(input, waiting)).toMatchObject({
      kind: 'rolledBack',
      reason: 'timeout',
    });
    await expectKept();
  });
});

describe('memory', () => {
  test.each([
    ['one large object', 'x = "x" * 10**9'],
    ['a list that doubles', 'x = [0]\nwhile True: x += x'],
    ['a growing dict', 'x = {}\nfor i in range(10**9): x[i] = i'],
    ['bytes in pieces', 'x = []\nwhile True: x.append(bytes(10**7))'],
  ])('%s is a MemoryError that the code may catch, and the session lives on', async (_, code) => {
    const own = new Session(repl, store, `memory ${code.length}`);
    await own.run('kept = 1');
    const { error } = await own.run(code, { limits: { heapMiB: 128 } });
    expect(error?.type).toBe('MemoryError');
    expect((await own.run('x = None\nkept')).value).toBe('1');
  });

  test('the limit is part of the step: the same allocation fails at the same size wherever it runs', async () => {
    const code =
      'n = 0\nx = []\ntry:\n    while True:\n        x.append(bytes(10**6)); n += 1\nexcept MemoryError: pass\nfound, x = n, None\nfound';
    const counts = [];
    for (const [i, heapMiB] of [100, 100, 200].entries()) {
      counts.push(
        Number(
          (await new Session(repl, store, `same limit ${i}`).run(code, { limits: { heapMiB } }))
            .value,
        ),
      );
    }
    expect(counts[0]).toBe(counts[1]);
    expect(counts[0]).toBeGreaterThan(40);
    expect(counts[2]).toBeGreaterThan((counts[0] ?? 0) + 80);
  });

  test('an input that does not fit is refused by name, not by a crash', async () => {
    const blob = await store.blobs.put(Buffer.alloc(100 * 2 ** 20, 'x'));
    const own = new Session(repl, store, 'too large');
    expect(
      await own.outcome('', {
        limits: { heapMiB: 64 },
        edits: [{ kind: 'set', variable: 'big', format: 'text', blob: blob.digest }],
      }),
    ).toMatchObject({
      kind: 'rolledBack',
      reason: 'memory',
      message: `${ROLLED_BACK}a text of 104857600 characters does not fit into the heap. Work on smaller pieces.`,
    });
  });
});

describe('files', () => {
  test('a full file system is an OSError, also by truncate and seek', async () => {
    const own = new Session(repl, store, 'files');
    for (const code of [
      'f = open("/tmp/a", "wb")\nwhile True: f.write(b"x" * 10**5); f.flush()',
      'f = open("/tmp/b", "wb"); f.truncate(2**40)',
      'f = open("/tmp/c", "wb"); f.seek(2**33); f.write(b"x"); f.flush()',
    ]) {
      const { error } = await own.run(code, { limits: { filesBytes: 10 ** 6 } });
      expect(error?.type).toMatch(/^(?:OSError|OverflowError)$/);
    }
    expect((await own.run('import os\nos.path.getsize("/tmp/a") <= 10**6')).value).toBe('True');
  });
});

describe('recursion', () => {
  let own: Session;
  beforeAll(async () => {
    own = new Session(repl, store, 'recursion');
    await own.run(
      'import json, pickle, copy\nkept = 1\nfrom concurrent.futures import ThreadPoolExecutor',
    );
  });

  const nest = (code: string): string => `x = []\nfor _ in range(200_000): x = [x]\n${code}`;
  test.each([
    ['of Python functions', 'def f(n): return f(n + 1)\nf(0)', 'RecursionError'],
    ['of repr', nest('repr(x)'), 'RecursionError'],
    [
      'of comparison',
      'x, y = [], []\nfor _ in range(200_000): x, y = [x], [y]\nx == y',
      'RecursionError',
    ],
    ['of json.loads', 'json.loads("[" * 200_000)', 'RecursionError'],
    ['of pickle', nest('pickle.dumps(x)'), 'RecursionError'],
    ['of deepcopy', nest('copy.deepcopy(x)'), 'RecursionError'],
    ['of a long expression', 'eval("+".join(["1"] * 200_000))', 'RecursionError'],
    ['of nested parentheses', 'eval("(" * 5000 + ")" * 5000)', 'SyntaxError'],
    [
      'in a pool',
      nest('with ThreadPoolExecutor() as p: p.submit(repr, x).result()'),
      'RecursionError',
    ],
    [
      'of methods that C calls',
      'class A:\n    def __getattr__(s, n): return getattr(s, n + "a")\nA().x',
      'RecursionError',
    ],
  ])(
    '%s without end is a Python error, at a depth that the heap decides',
    async (_, code, type) => {
      expect((await own.run(code)).error?.type).toBe(type);
      expect((await own.run('x = y = None\nkept')).value).toBe('1');
    },
  );

  test('the end of a deep object is no recursion that anybody sees', async () => {
    expect((await own.run(nest('del x\n"gone"'))).value).toBe("'gone'");
  });

  test.each([
    ['in the cell', 'f(0)'],
    [
      'in a thread',
      'import threading\nt = threading.Thread(target=f, args=(0,)); t.start(); t.join()',
    ],
  ])('without the limit of Python ends where the heap does: %s', async (where, call) => {
    const free = new Session(repl, store, `lifted ${where}`);
    await free.run('kept = 1');
    const code = `import sys\nsys.setrecursionlimit(10**9)\ndef f(n): return [f(n + 1)]\n${call}`;
    const { error, stderr } = await free.run(code, { limits: { heapMiB: 100, computeMs: 60_000 } });
    expect(error?.type ?? stderr).toMatch(/MemoryError/);
    expect((await free.run('kept')).value).toBe('1');
  });
});

describe('what ends the interpreter', () => {
  test.each([
    [
      'os._exit',
      'import os\nos._exit(3)',
      'the interpreter ended: Exit: Program terminated with exit(3)',
    ],
    [
      'os.kill',
      'import os\nos.kill(os.getpid(), 9)',
      'the interpreter ended: Exit: Program terminated with exit(137)',
    ],
    ['os.abort', 'import os\nos.abort()', 'the interpreter aborted'],
  ])('%s rolls the cell back', async (_, code, why) => {
    const outcome = await session.rolledBack(`kept = "changed"\n${code}`);
    expect(outcome).toMatchObject({
      reason: 'crash',
      message: `${ROLLED_BACK}${why}. Write it in another way.`,
    });
    await expectKept();
  });

  test('collecting every dict of the interpreter ends in a report, and the next cell starts from the input image', async () => {
    await session.outcome(
      'import gc\nfor o in gc.get_objects():\n    if type(o) is dict and o is not globals(): o.clear()',
    );
    const own = new Session(repl, store, 'after the collapse');
    own.image = session.image;
    expect(['finished', 'rolledBack']).toContain((await own.outcome('1')).kind);
  });
});
