import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Repl } from '../../../repl/index.ts';
import { memoryStore, openTestRepl, Session } from '../support/session.ts';

const store = memoryStore();
let repl: Repl;
let pids: number[];

beforeAll(async () => {
  repl = await openTestRepl(store);
  pids = repl.hostPids;
});
afterAll(() => repl.dispose());

/** The session that the cell left behind still works: variables, output, echo, traceback, calls. */
async function expectWorking(session: Session): Promise<void> {
  const next = await session.run('print(kept + 1, len([*range(5)]))\nkept');
  expect(next).toMatchObject({ stdout: '42 5\n', value: '41', error: null });
  expect((await session.run('llm_query_batched(["a", "b"])')).value).toBe("['re a', 're b']");
  expect((await session.run('1 / 0')).error?.message).toBe('division by zero');
  expect(repl.hostPids).toEqual(pids);
}

describe('a cell that tears down what the session stands on leaves it working', () => {
  const wipe = (module: string): string =>
    `import ${module} as m\nfor n in list(vars(m)):\n    if not n.startswith("__") and n != "modules": setattr(m, n, None)`;
  test.each([
    ...[
      'json',
      'ast',
      'traceback',
      'inspect',
      'linecache',
      'types',
      'gc',
      'random',
      'sys',
      'time',
    ].map((module): [string, string] => [`every name of ${module}`, wipe(module)]),
    [
      'every builtin',
      'import builtins\nfor n in list(vars(builtins)):\n    try: setattr(builtins, n, None)\n    except BaseException: pass',
    ],
    ['the table of modules', 'import sys\nsys.modules.clear()'],
    ['the streams', 'import sys\nsys.stdout.close(); sys.stdout = sys.stderr = None'],
    ['the prelude', 'import rlm\ndel llm_query, llm_query_batched, answer\nrlm.__dict__.clear()'],
    [
      'tracing',
      'import sys\ndef bad(*a): raise SystemExit\nsys.settrace(bad); sys.setprofile(bad)',
    ],
    [
      'monitoring',
      'import sys\ndef bad(*a): raise SystemExit\nm = sys.monitoring; e = m.events.PY_START\nm.use_tool_id(1, "x"); m.register_callback(1, e, bad); m.set_events(1, e)',
    ],
    [
      'hooks',
      'import sys, atexit, gc\ndef bad(*a): raise SystemExit\natexit.register(bad); sys.excepthook = sys.unraisablehook = sys.displayhook = bad\ngc.callbacks.append(bad)',
    ],
    [
      'an answer whose methods raise',
      'class D(dict):\n    def items(self): raise SystemExit\nanswer["content"] = D(a=1)',
    ],
    [
      'an exception whose class and text raise',
      'class M(type):\n    @property\n    def __name__(cls): raise SystemExit\nclass E(Exception, metaclass=M):\n    def __str__(self): raise KeyboardInterrupt\nraise E',
    ],
    [
      'a variable whose name is no plain string',
      'class K(str):\n    def __hash__(self): return 7\n    def __eq__(self, other): raise SystemExit\nglobals()[K("a")] = 1',
    ],
    ['a recursion limit of 20', 'import sys\nsys.setrecursionlimit(20)'],
    ['warnings as errors', 'import warnings\nwarnings.simplefilter("error")'],
  ])('%s', async (_what, code) => {
    const session = new Session(repl, store, 'torn');
    await session.run('kept = 41');
    const outcome = await session.outcome(code);
    expect(outcome.kind).toBe('finished');
    await expectWorking(session);
  });
});

describe('what is too large to tell', () => {
  test('a variable with a name of 10 million characters is listed by its beginning', async () => {
    const session = new Session(repl, store, 'long');
    await session.run('kept = 41');
    const { changes } = await session.run('globals()["x" * 10**7] = 1');
    expect(changes).toMatchObject([{ name: 'x'.repeat(200), change: 'new', type: 'int' }]);
    await expectWorking(session);
  });

  test('100,000 new variables are counted', async () => {
    const session = new Session(repl, store, 'many');
    await session.run('kept = 41');
    const ran = await session.run('globals().update({f"v{i}": i for i in range(100_000)})');
    expect(ran.changes).toHaveLength(100);
    expect(ran.changesOmitted).toBe(99_900);
    await expectWorking(session);
  });

  test.each([
    [
      'a model name of 300 characters',
      'llm_query("x", model="m" * 300)',
      'ValueError',
      'model must be the name of a model: this one has 300 characters',
    ],
    [
      'more calls than may wait',
      'llm_query_batched(["x"] * 30_000)',
      'RuntimeError',
      'too many calls wait at the same time: at most 2000; ask in smaller batches',
    ],
    [
      'an endless sleep',
      'import time\ntime.sleep(float("inf"))',
      'OverflowError',
      'timestamp too large to convert to C PyTime_t',
    ],
    [
      'a sleep that is no time',
      'import time\ntime.sleep(float("nan"))',
      'ValueError',
      'Invalid value NaN (not a number)',
    ],
    [
      'an endless wait',
      'import threading\nthreading.Event().wait(float("inf"))',
      'OverflowError',
      'timeout value is too large',
    ],
  ])('%s raises', async (_what, code, type, message) => {
    const session = new Session(repl, store, 'raises');
    await session.run('kept = 41');
    expect((await session.run(code)).error).toMatchObject({ type, message });
    await expectWorking(session);
  });
});

describe('imports of what leads to JavaScript', () => {
  test.each([
    'js',
    'pyodide',
    'pyodide_js',
    'pyodide.ffi',
    'pyodide.code',
    '_pyodide',
    '_pyodide_core',
    'ctypes',
    '_ctypes',
  ])('%s is not there', async (module) => {
    const { error } = await new Session(repl, store, 'imports').run(`import ${module}`);
    expect(error?.type).toBe('ModuleNotFoundError');
  });

  test('js and pyodide_js do not come back when their places are cleared', async () => {
    const ran = await new Session(repl, store, 'again').run(
      'import sys\nfor n in ("js", "pyodide_js"):\n    sys.modules.pop(n, None)\n    try: __import__(n)\n    except ImportError: print(n)',
    );
    expect(ran.stdout).toBe('js\npyodide_js\n');
  });

  test('no object that the garbage collector knows is one of JavaScript', async () => {
    const ran = await new Session(repl, store, 'gc').run(
      'import gc\n[type(o).__name__ for o in gc.get_objects() if "JsProxy" in type(o).__name__]',
    );
    expect(ran.value).toBe('[]');
  });
});
