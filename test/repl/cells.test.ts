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

describe('what a cell shows', () => {
  test('echoes the last expression, and nothing for None or a trailing semicolon', async () => {
    expect((await session.run('x = 20\nx + 1')).value).toBe('21');
    expect((await session.run('None')).value).toBeNull();
    expect((await session.run('x;')).value).toBeNull();
    expect((await session.run('if True:\n    5')).value).toBeNull();
  });

  test('gives a traceback with the lines of the cell that defined the code, and no frame of the prelude', async () => {
    const defined = await session.run('def divide(a, b):\n    return a / b');
    expect(defined.error).toBeNull();
    const { error, traceback } = await session.run('print("before")\ndivide(1, 0)');
    expect(error).toMatchObject({ type: 'ZeroDivisionError', message: 'division by zero' });
    expect(traceback?.replaceAll(/<cell 1\.\d+>/g, '<cell>')).toBe(
      [
        'Traceback (most recent call last):',
        '  File "<cell>", line 2, in <module>',
        '    divide(1, 0)',
        '    ~~~~~~^^^^^^',
        '  File "<cell>", line 2, in divide',
        '    return a / b',
        '           ~~^~~',
        'ZeroDivisionError: division by zero',
        '',
      ].join('\n'),
    );
  });

  test('keeps what was assigned and printed before an exception', async () => {
    const ran = await session.run(
      'import sys\nkept = [1, 2]\nprint("out")\nprint("err", file=sys.stderr)\nraise ValueError("no")',
    );
    expect(ran).toMatchObject({
      stdout: 'out\n',
      stderr: 'err\n',
      value: null,
      error: { type: 'ValueError', message: 'no' },
      changes: [{ name: 'kept', change: 'new', type: 'list', size: 2, preview: '[1, 2]' }],
    });
    expect((await session.run('kept')).value).toBe('[1, 2]');
  });

  test('lets functions see what later cells define', async () => {
    await session.run('def total():\n    return later + helper()');
    await session.run('later = 40\ndef helper():\n    return 2');
    expect((await session.run('total()')).value).toBe('42');
    await session.run('later = 100');
    expect((await session.run('total()')).value).toBe('102');
  });

  test('a syntax error names its line and changes nothing', async () => {
    const { error, traceback, changes } = await session.run('y = 1\ndef f(:\n');
    expect(error?.type).toBe('SyntaxError');
    expect(traceback).toContain('line 2\n    def f(:\n          ^\nSyntaxError: invalid syntax');
    expect(changes).toEqual([]);
  });

  test('sys.exit is an exception like others, and the session lives on', async () => {
    expect((await session.run('import sys\nbefore_exit = 1\nsys.exit(3)')).error).toMatchObject({
      type: 'SystemExit',
      message: '3',
    });
    expect((await session.run('before_exit')).value).toBe('1');
  });

  test('input() and breakpoint() say that nobody is there', async () => {
    for (const name of ['input', 'breakpoint']) {
      expect((await session.run(`${name}()`)).error).toMatchObject({
        type: 'RuntimeError',
        message: `${name}() is not available: nobody sits at this session. Work with the variables that you have.`,
      });
    }
    expect((await session.run('import sys\nsys.stdin.readline()')).error?.message).toBe(
      'there is no standard input: nobody sits at this session. Work with the variables that you have.',
    );
  });

  test('top-level await works, also beside definitions and in the last expression', async () => {
    const ran = await session.run(
      'import asyncio\nasync def later(x):\n    await asyncio.sleep(5)\n    return x\na = await later(1)\n[a, await later(2)]',
    );
    expect(ran.value).toBe('[1, 2]');
  });

  test('exec and eval see the variables of the session', async () => {
    await session.run('exec("made = 41")');
    expect((await session.run('eval("made + 1")')).value).toBe('42');
  });
});

describe('texts that break lesser shells', () => {
  test('lone surrogates become U+FFFD outside, and stay what they are inside', async () => {
    const ran = await session.run(String.raw`s = "a\ud800b"` + '\nprint(s)\ns');
    expect(ran.stdout).toBe('a�b\n');
    expect(ran.value).toBe(String.raw`'a\ud800b'`);
    expect((await session.run('len(s)')).value).toBe('3');
  });

  test('NUL, escapes, emoji and right-to-left marks pass through', async () => {
    const ran = await session.run(String.raw`print("\0\x1b[31m\u202e\U0001F600")`);
    expect(ran.stdout).toBe('\0\u001B[31m\u202E\u{1F600}\n');
  });

  test('output beyond the limit is dropped and counted, whichever stream it was for', async () => {
    const { stdout, stderr } = await session.run(
      'import sys\nprint("x" * 10_000_000)\nprint("lost", file=sys.stderr)',
      { limits: { outputBytes: 1000 } },
    );
    expect(stdout).toBe(
      `${'x'.repeat(1000)}\n[... 9,999,001 more characters: the output of a cell is cut at 1,000 bytes]`,
    );
    expect(stderr).toBe('\n[... 5 more characters: the output of a cell is cut at 1,000 bytes]');
  });

  test('the limit counts bytes, and cuts no character in two', async () => {
    const { stdout } = await session.run('print("é" * 600)', { limits: { outputBytes: 1001 } });
    expect(stdout).toBe(
      `${'é'.repeat(500)}\n[... 101 more characters: the output of a cell is cut at 1,001 bytes]`,
    );
  });

  test('bytes written to the descriptors themselves are shown too', async () => {
    expect((await session.run('import os\nos.write(1, b"raw");')).stdout).toBe('raw');
  });

  test('a large text goes in as an edit and comes out as the answer unchanged', async () => {
    for (const text of [
      'ascii '.repeat(50_000),
      'é'.repeat(30_000),
      '→'.repeat(30_000),
      '\u{1F600}x'.repeat(9000),
    ]) {
      const blob = await store.blobs.put(Buffer.from(text));
      const ran = await session.run('answer["content"] = big\nlen(big)', {
        edits: [{ kind: 'set', variable: 'big', format: 'text', blob: blob.digest }],
      });
      expect(ran.value).toBe(String(Array.from(text).length));
      expect(ran.answer.content?.digest).toBe(blob.digest);
    }
  });
});

describe('what a cell cannot break', () => {
  test.each([
    [
      'builtins set to None',
      'import builtins\nfor n in ("print", "compile", "len", "str"): setattr(builtins, n, None)',
    ],
    [
      'json and traceback patched',
      'import json, traceback\njson.dumps = json.loads = traceback.format_exception = None',
    ],
    [
      'a trace function',
      'import sys\nsys.settrace(lambda *a: 1 / 0)\nsys.setprofile(lambda *a: 1 / 0)',
    ],
    ['streams replaced', 'import sys, io\nsys.stdout = io.StringIO()\nsys.stderr = None'],
    ['reserved names overwritten', 'llm_query = search_text = 3'],
    ['the answer overwritten', 'answer = 5'],
    ['asyncio patched', 'import asyncio\nasyncio.ensure_future = asyncio.get_event_loop = None'],
  ])('%s: the next cell works', async (_, code) => {
    const own = new Session(repl, store, `break ${code.length}`);
    expect((await own.outcome(code)).kind).toBe('finished');
    const next = await own.run('print("out")\nr = llm_query("q")\nlen(r), answer["ready"]');
    expect(next).toMatchObject({ stdout: 'out\n', value: '(4, False)', rounds: [1] });
  });

  test('an exception whose own methods fail is reported all the same', async () => {
    const ran = await session.run(
      'class Meta(type):\n    __name__ = property(lambda c: 1 / 0)\nclass Bad(Exception, metaclass=Meta):\n    def __str__(self): raise KeyError("nested")\nraise Bad()',
    );
    expect(ran.error).toMatchObject({
      type: 'Bad',
      message: "<the exception's own __str__ failed>",
    });
  });

  test('changes are told without running code of the model', async () => {
    const ran = await session.run(
      'calls = []\nclass Loud:\n    def __repr__(self): calls.append(1); return "loud"\n    def __len__(self): calls.append(1); return 3\nloud = Loud()\nmany = [loud]',
    );
    expect(ran.changes.map(({ name, type, size, preview }) => [name, type, size, preview])).toEqual(
      [
        ['calls', 'list', 0, '[]'],
        ['Loud', 'type', null, '<type>'],
        ['loud', 'Loud', null, '<Loud>'],
        ['many', 'list', 1, '[<Loud>]'],
      ],
    );
    expect((await session.run('calls')).value).toBe('[]');
  });

  test('nor do classes, keys and metaclasses of the model run while changes are told', async () => {
    const ran = await session.run(
      'ran = []\nclass Meta(type):\n    def __hash__(c): ran.append(1); return 1\n    def __eq__(c, o): ran.append(2); return True\nclass Sly(metaclass=Meta):\n    __class__ = property(lambda s: ran.append(3) or int)\n    def __hash__(s): ran.append(4); return 1\nsly = Sly(); table = {sly: 1}; ran.clear()',
    );
    expect(ran.changes.slice(3).map(({ name, preview }) => [name, preview])).toEqual([
      ['sly', '<Sly>'],
      ['table', '{<Sly>: 1}'],
    ]);
    expect((await session.run('sly = Sly(); ran')).value).toBe('[]');
  });

  test('changes: new, rebound, grown in place, deleted; not what merely was read', async () => {
    await session.run('a = [1]; b = 2; c = 3; d = "same"');
    const { changes } = await session.run(
      'a.append(2); b = 2; del c; d.upper(); _hidden = 1; import math',
    );
    expect(changes.map(({ name, change }) => [name, change])).toEqual([
      ['a', 'changed'],
      ['b', 'changed'],
      ['c', 'deleted'],
    ]);
  });
});
