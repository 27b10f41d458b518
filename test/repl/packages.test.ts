import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Edit } from '../../protocol/index.ts';
import type { Repl } from '../../repl/index.ts';
import { makeWheel } from '../support/wheel.ts';
import { memoryStore, openTestRepl, Session } from './support/session.ts';

// Scope: wheels inside of a real kernel. What the worker refuses before is in test/store/packages.test.ts.

const store = memoryStore();
let repl: Repl;
beforeAll(async () => {
  repl = await openTestRepl(store);
});
afterAll(() => repl.dispose());

const GREET = makeWheel('greet-1.2-py3-none-any.whl', {
  'greet/__init__.py': `import pathlib, importlib.resources
from .inner import hello
WORDS = pathlib.Path(__file__).with_name("words.txt").read_text()
SAME = importlib.resources.files(__package__).joinpath("words.txt").read_text()
loaded = []
`,
  'greet/inner.py': 'def hello(name):\n    return f"hello {name}"\n\ndef fail():\n    1 / 0\n',
  'greet/words.txt': 'good morning',
  'greet_space/part/deep.py': 'DEPTH = 3\n',
  'json.py': 'raise RuntimeError("not the one of the standard library")\n',
  'greet-1.2.data/purelib/moved.py': 'MOVED = True\n',
  'greet-1.2.data/scripts/run.py': '',
});

async function add(...wheels: { file: string; bytes: Uint8Array }[]): Promise<Edit> {
  const packages = [];
  for (const { file, bytes } of wheels) {
    packages.push({ file, blob: await store.blobs.put(bytes) });
  }
  return { kind: 'addPackages', packages };
}

describe('a wheel', () => {
  test('is imported like any package, with its data and its metadata', async () => {
    const session = new Session(repl, store, 'imports');
    const ran = await session.run(
      `import importlib.metadata, json
import greet, moved, greet_space.part.deep as deep
greet.hello("you"), greet.WORDS, greet.SAME, deep.DEPTH, moved.MOVED, json.dumps([1]), importlib.metadata.version("greet"), greet.__file__`,
      { edits: [await add(GREET)] },
    );
    expect(ran.traceback).toBeNull();
    expect(ran.value).toBe(
      "('hello you', 'good morning', 'good morning', 3, True, '[1]', '1.2', '/packages/greet/__init__.py')",
    );
    expect((await session.run('import run')).error?.type).toBe('ModuleNotFoundError');
  });

  test('shows its lines in a traceback, and its source to inspect', async () => {
    const session = new Session(repl, store, 'traceback');
    const { traceback } = await session.run('import greet.inner\ngreet.inner.fail()', {
      edits: [await add(GREET)],
    });
    expect(traceback).toContain('File "/packages/greet/inner.py", line 5, in fail\n    1 / 0\n');
    const { value } = await session.run('import inspect\ninspect.getsource(greet.hello)');
    expect(value).toBe(String.raw`'def hello(name):\n    return f"hello {name}"\n'`);
  });

  test('is there, imported or not yet, in a fork and in a kernel of another process', async () => {
    const session = new Session(repl, store, 'source');
    await session.run('import greet\ngreet.loaded.append("source")', { edits: [await add(GREET)] });
    const elsewhere = await openTestRepl(store);
    try {
      const fork = session.fork(elsewhere, 'fork');
      const ran = await fork.run('import greet, moved\ngreet.loaded, greet.WORDS, moved.MOVED');
      expect([ran.value, ran.way]).toEqual(["(['source'], 'good morning', True)", 'fresh']);
      // The same step gives the same heap wherever it runs.
      const here = await session.run('import greet, moved\ngreet.loaded, greet.WORDS, moved.MOVED');
      expect(here.image.heapDigest).toBe(ran.image.heapDigest);
    } finally {
      await elsewhere.dispose();
    }
  });

  test('of a later version replaces the earlier one for later imports', async () => {
    const session = new Session(repl, store, 'versions');
    await session.run('', { edits: [await add(GREET)] });
    const later = makeWheel('greet-2.0-py3-none-any.whl', { 'greet/__init__.py': 'NEW = True\n' });
    const { value } = await session.run(
      'import greet\ntry:\n    import greet.inner\nexcept ImportError as e:\n    pass\nfrom importlib.metadata import version\ngreet.NEW, hasattr(greet, "inner"), version("greet")',
      { edits: [await add(later)] },
    );
    expect(value).toBe("(True, False, '2.0')");
  });

  test('costs its room in an image once', async () => {
    const noise = Array.from({ length: 20_000 }, (_, i) => `x${i} = ${(i * 7919) % 104_729}`);
    const large = makeWheel('large-1-py3-none-any.whl', { 'large.py': noise.join('\n') });
    const session = new Session(repl, store, 'room');
    const added = await session.run('', { edits: [await add(large)] });
    expect(added.image.storedBytes).toBeGreaterThan(large.bytes.length);
    const next = await session.run('x = 1');
    expect(next.image.storedBytes).toBeLessThan(large.bytes.length / 2);
  });

  test('is listed by help() and where another package is missing', async () => {
    const session = new Session(repl, store, 'listed');
    const { stdout } = await session.run('help()', { edits: [await add(GREET)] });
    expect(stdout).toContain(
      '  greet 1.2: a package of this run, import greet, greet_space, json, moved\n',
    );
    const { traceback } = await session.run('import numpy');
    expect(traceback).toContain(
      "[There is Python's standard library here, and greet, greet_space, json, moved, and nothing can be installed.]",
    );
  });
});

describe('a wheel that cannot be used', () => {
  test.each<[string, { file: string; bytes: Uint8Array }, string]>([
    [
      'with native code',
      makeWheel('fast-1-py3-none-any.whl', { 'fast.py': '', 'core.so': 'ELF' }),
      'the package fast-1-py3-none-any.whl holds native code (core.so): only pure-Python wheels can be used',
    ],
    [
      'that is no archive',
      { file: 'fast-1-py3-none-any.whl', bytes: Buffer.from('text') },
      'the package fast-1-py3-none-any.whl is no wheel: File is not a zip file',
    ],
  ])('%s is refused by name, also when nobody looked at it before', async (_, wheel, message) => {
    const session = new Session(repl, store, 'refused');
    const ran = await session.run('1', { edits: [await add(wheel)] });
    expect(ran.error).toMatchObject({ type: 'ValueError', message });
    expect((await session.run('import fast')).error?.type).toBe('ModuleNotFoundError');
  });

  test('for lack of room for its files names the limit', async () => {
    const big = makeWheel('big-1-py3-none-any.whl', { 'big.txt': 'x'.repeat(2 ** 20) });
    const session = new Session(repl, store, 'no room');
    const ran = await session.run('1', {
      edits: [await add(big)],
      limits: { filesBytes: 2 ** 19 },
    });
    expect(ran.error?.message).toBe(
      'the files of the package big-1-py3-none-any.whl find no room (No space left on device): give the run a larger limits.filesBytes',
    );
  });
});
