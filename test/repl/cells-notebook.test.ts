import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Repl } from '../../repl/index.ts';
import { memoryStore, openTestRepl, type Ran, Session } from './support/session.ts';

const store = memoryStore();
let repl: Repl;
let session: Session;

beforeAll(async () => {
  repl = await openTestRepl(store);
  session = new Session(repl, store);
});
afterAll(() => repl.dispose());

/** With the numbers of cells left out. */
function traceback({ traceback: text }: Ran): string {
  return (text ?? '').replaceAll(/<cell \d+\.\d+>/g, '<cell>');
}

const STAYS =
  'This ends the cell, not the session: all variables stay. When the answer is final, set answer["ready"] = True.';

describe('the last value', () => {
  test('is _ in the next cell, and is no variable', async () => {
    const own = new Session(repl, store, 'last value');
    expect((await own.run('_')).error).toMatchObject({
      type: 'NameError',
      message: "name '_' is not defined",
    });
    expect((await own.run('[1, 2]')).changes).toEqual([]);
    expect((await own.run('None')).value).toBeNull();
    expect((await own.run('_ + [3]')).value).toBe('[1, 2, 3]');
    expect((await own.run('for _ in "ab": pass\n_')).value).toBe("'b'");
  });

  test('of a class of its own is not kept: what it does at its end belongs to its cell', async () => {
    const ran = await session.run(
      'class Loud:\n    def __del__(self): print("gone")\n    def __repr__(self): return "loud"\nLoud()',
    );
    expect(ran).toMatchObject({ value: 'loud', stdout: 'gone\n' });
  });

  test.each([
    ['5;', null],
    ['5  # why;', '5'],
    ['(5\n);  # quiet', null],
    ['"a;"', "'a;'"],
    ['"é→😀";', null],
    ['[1,\n 2]', '[1, 2]'],
  ])('%j echoes %j', async (code, value) => {
    expect((await session.run(code)).value).toBe(value);
  });
});

describe('code as models write it', () => {
  test('indented as a whole, or behind a byte order mark, it runs', async () => {
    expect((await session.run('\n    n = 1\n    if n:\n        n += 1\n    n')).value).toBe('2');
    expect((await session.run('\uFEFFn + 1')).value).toBe('3');
    expect((await session.run('n = 1\r\nn + 1\r\n')).value).toBe('2');
  });

  test('indented by mistake, it is what Python says of it', async () => {
    expect(traceback(await session.run('n = 1\n  n = 2'))).toBe(
      '  File "<cell>", line 2\n    n = 2\nIndentationError: unexpected indent\n',
    );
    expect(traceback(await session.run('  n = 1\n n = 2'))).toBe(
      '  File "<cell>", line 1\n    n = 1\nIndentationError: unexpected indent\n',
    );
  });

  test('what only the compiler finds is shown with its line', async () => {
    expect(traceback(await session.run('x = 1\nreturn x'))).toBe(
      '  File "<cell>", line 2\n    return x\n    ^^^^^^^^\nSyntaxError: \'return\' outside function\n',
    );
  });

  test('commands of IPython are named as what they are', async () => {
    for (const code of ['%timeit 1', '!pip install numpy']) {
      expect(traceback(await session.run(code))).toBe(
        `  File "<cell>", line 1\n    ${code}\n    ^\nSyntaxError: invalid syntax\nLines that begin with % or ! are for IPython and its shell; here is Python alone.\n`,
      );
    }
  });

  test('a line of a traceback is cut when nobody could read it', async () => {
    const ran = await session.run(`1 / 0  # ${'c'.repeat(100_000)}`);
    expect(traceback(ran).length).toBeLessThan(2000);
    expect(traceback(ran)).toMatch(/ZeroDivisionError: division by zero\n$/);
  });
});

describe('tracebacks', () => {
  test('of code that awaits begin with the cell', async () => {
    expect(
      traceback(await session.run('async def f():\n    raise ValueError("no")\nx = 1\nawait f()')),
    ).toBe(
      'Traceback (most recent call last):\n  File "<cell>", line 4, in <module>\n    await f()\n  File "<cell>", line 2, in f\n    raise ValueError("no")\nValueError: no\n',
    );
  });

  test('show chained exceptions, groups and notes', async () => {
    const chained = await session.run(
      'try:\n    {}["k"]\nexcept KeyError as e:\n    raise ValueError("bad") from e',
    );
    expect(traceback(chained)).toBe(
      'Traceback (most recent call last):\n  File "<cell>", line 2, in <module>\n    {}["k"]\n    ~~^^^^^\nKeyError: \'k\'\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File "<cell>", line 4, in <module>\n    raise ValueError("bad") from e\nValueError: bad\n',
    );
    const group = await session.run(
      'e = ExceptionGroup("two", [ValueError("a"), KeyError("b")])\ne.add_note("noted")\nraise e',
    );
    expect(traceback(group)).toBe(
      [
        '  + Exception Group Traceback (most recent call last):',
        '  |   File "<cell>", line 3, in <module>',
        '  |     raise e',
        '  | ExceptionGroup: two (2 sub-exceptions)',
        '  | noted',
        '  +-+---------------- 1 ----------------',
        '    | ValueError: a',
        '    +---------------- 2 ----------------',
        "    | KeyError: 'b'",
        '    +------------------------------------',
        '',
      ].join('\n'),
    );
  });
});

describe('what is not there is said', () => {
  test.each([
    ['exit()', 'SystemExit', STAYS, STAYS],
    ['quit()', 'SystemExit', STAYS, STAYS],
    ['import sys\nsys.exit()', 'SystemExit', STAYS, STAYS],
    ['import sys\nsys.exit("done")', 'SystemExit', 'done', STAYS],
    [
      'import numpy as np',
      'ModuleNotFoundError',
      "No module named 'numpy'",
      "There is Python's standard library here, and nothing can be installed.",
    ],
    [
      'import js',
      'ModuleNotFoundError',
      "No module named 'js'",
      "There is Python's standard library here, and nothing can be installed.",
    ],
    [
      'import ctypes',
      'ModuleNotFoundError',
      "No module named 'ctypes'",
      'This Python is without this part of the standard library.',
    ],
    [
      'import socket\nsocket.create_connection(("example.com", 80))',
      'OSError',
      '[Errno 23] Host is unreachable',
      'There is no network here.',
    ],
    [
      'import subprocess\nsubprocess.run(["ls"])',
      'OSError',
      '[Errno 138] emscripten does not support processes.',
      'There are no other programs and processes here; for parallel work use threads.',
    ],
  ])('%s', async (code, type, message, hint) => {
    const ran = await session.run(`kept = 1\n${code}`);
    expect(ran.error).toMatchObject({ type, message });
    expect(ran.traceback?.split('\n').at(-2)).toBe(`[${hint}]`);
  });

  test('processes are not there, pools of them are threads', async () => {
    const ran = await session.run(
      'from multiprocessing.pool import ThreadPool\nimport multiprocessing\nwith ThreadPool(2) as p: r = p.map(llm_query, "abc")\nwith multiprocessing.Pool() as p: s = p.starmap(max, [(1, 2), (4, 3)]), p.apply_async(len, ("abc",)).get(), list(p.imap(abs, [-1, 2])), sorted(p.imap_unordered(abs, [-1, 2]))\nr, s',
    );
    expect(ran.value).toBe("(['re a', 're b', 're c'], ([2, 4], 3, [1, 2], [1, 2]))");
    expect(ran.rounds).toEqual([3]);
    const { error } = await session.run('multiprocessing.Process(target=print).start()');
    expect(error).toMatchObject({
      type: 'RuntimeError',
      message:
        'there are no other processes here: use threads, or ThreadPoolExecutor, in which calls of models run in parallel',
    });
  });
});

describe('help and lists', () => {
  test('help() lists what there is and waits for nobody', async () => {
    const { stdout, error } = await session.run('help()');
    expect(error).toBeNull();
    for (const name of ['input_data', 'answer', 'search_text', 'llm_query', 'SUBMIT']) {
      expect(stdout).toContain(`  ${name}`);
    }
  });

  test.each([
    'search_text',
    'search_all',
    'llm_query',
    'llm_query_batched',
    'rlm_query',
    'quote',
    'rank',
    'chunk_text',
    'group_by',
    'describe',
  ])('help(%s) teaches by an example', async (name) => {
    const { stdout } = await session.run(`help(${name})`);
    expect(stdout).toContain(`Help on function ${name} in module rlm:`);
    expect(stdout.split(`${name}(`).length).toBeGreaterThan(2);
    expect((await session.run(`help("${name}")`)).stdout).toBe(stdout);
  });

  test('SHOW_VARS() prints, also inside of print()', async () => {
    const own = new Session(repl, store, 'shown');
    const ran = await own.run('n = [1]\nprint(SHOW_VARS())\nSHOW_VARS()');
    const rows = "answer: dict of 2 = {'content': '', 'ready': False}\nn: list of 1 = [1]\n";
    expect(ran).toMatchObject({ stdout: `${rows}\n${rows}`, value: null });
  });
});

describe('warnings', () => {
  test('come in each cell, with the line of the model', async () => {
    for (let times = 0; times < 2; times++) {
      const { stderr } = await session.run('import warnings\nwarnings.warn("careful")');
      expect(stderr.replaceAll(/1\.\d+/g, '1')).toBe(
        '<cell 1>:2: UserWarning: careful\n  warnings.warn("careful")\n',
      );
    }
  });

  test('a coroutine that was not awaited is told without a place that the model did not write', async () => {
    for (let times = 0; times < 2; times++) {
      const { stderr } = await session.run('async def co(): pass\nco()');
      expect(stderr).toBe("RuntimeWarning: coroutine 'co' was never awaited\n");
    }
  });
});
