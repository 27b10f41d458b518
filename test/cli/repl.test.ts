import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CellReport } from '../../cli/repl-cells.ts';
import { makeWheel } from '../support/wheel.ts';
import { type CommandResult, openWorkplace, type Workplace } from './rlm-command.ts';

let place: Workplace;
beforeAll(async () => {
  place = await openWorkplace();
});
afterAll(() => place.remove());

async function cells(sources: unknown, ...options: string[]): Promise<CommandResult> {
  await writeFile(join(place.dir, 'cells.json'), JSON.stringify(sources));
  return place.rlm(['repl', '--cells', 'cells.json', ...options]);
}

async function reports(sources: string[], ...options: string[]): Promise<CellReport[]> {
  const { code, stdout, stderr } = await cells(sources, '--json', ...options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as CellReport[];
}

describe('a mistake costs one sentence and stores nothing', () => {
  const missing = `sha256:${'0'.repeat(64)}`;
  test.each<[string[], number, string]>([
    [
      ['--cells', 'missing.json'],
      2,
      'rlm: The cells missing.json cannot be read: check the path.\n',
    ],
    [
      ['--json'],
      2,
      'rlm: --json and --restore-each are for --cells: name the file with the cells.\n',
    ],
    [['--image', 'abc'], 2, 'rlm: --image abc is no digest: expected sha256: and 64 hex digits.\n'],
    [
      ['--input', 'a=missing.txt'],
      1,
      'rlm: There is no file or folder missing.txt: check --input.\n',
    ],
    [
      ['--cells', '-', '--input', 'a=-'],
      2,
      'rlm: Standard input can be the cells or an input, not both.\n',
    ],
  ])('%j', async (args, code, stderr) => {
    expect(await place.rlm(['repl', ...args])).toEqual({ code, stdout: '', stderr });
    expect(await place.traces()).toEqual([]);
  });

  test.each([
    ['{"a": 1}', /must be a JSON array of cell sources, for instance \["x = 1", "x \+ 1"\]\.\n$/],
    ['["x = 1", 5]', /must be a JSON array of cell sources, but its item 1 is not a string\.\n$/],
    ['["x = 1",', /^rlm: bad\.json is not JSON: [^\n]+\.\n$/],
  ])('cells %s', async (text, message) => {
    await writeFile(join(place.dir, 'bad.json'), text);
    const { code, stdout, stderr } = await place.rlm(['repl', '--cells', 'bad.json', '--json']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(await place.traces()).toEqual([]);
  });

  test('an image that is not stored, and a blob that is no image', async () => {
    const unknown = await place.rlm(['repl', '--image', missing]);
    expect({
      ...unknown,
      stderr: unknown.stderr.replace(/ in .*: check/, ' in STORE: check'),
    }).toEqual({
      code: 1,
      stdout: '',
      stderr: `rlm: There is no image ${missing} in STORE: check the digest, and RLM_HOME or RLM_STORE.\n`,
    });
    const empty = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    // The text of an empty cell's output is stored as a blob.
    await reports(['x = 1']);
    expect((await place.rlm(['repl', '--image', empty])).stderr).toBe(
      `rlm: Image ${empty} cannot be read: it is no heap image.\n`,
    );
  });
});

describe('cells from a file', () => {
  test('import the packages that are given, and none with native code', async () => {
    const greet = makeWheel('greet-1-py3-none-any.whl', { 'greet.py': 'WORD = "hello"\n' });
    const fast = makeWheel('fast-1-py3-none-any.whl', { 'fast.pyd': 'MZ' });
    for (const { file, bytes } of [greet, fast]) await writeFile(join(place.dir, file), bytes);
    const [said] = await reports(['import greet\ngreet.WORD'], '--package', greet.file);
    expect(said).toMatchObject({ kind: 'finished', value: "'hello'" });
    expect(await cells(['1'], '--package', fast.file)).toEqual({
      code: 2,
      stdout: '',
      stderr: `rlm: --package: ${fast.file} holds native code (fast.pyd): only pure-Python wheels (…-none-any.whl) can be used.\n`,
    });
  });

  test('each outcome has what the cell gave, and Python errors and roll-backs are no failure', async () => {
    const [set, echoed, raised, looped, after] = await reports(
      [
        'x = 41',
        'print("out")\nx + 1',
        'import sys\nsys.stderr.write("e")\n1/0',
        'import sys\nprint("so far")\nsys.stderr.write("and this")\nwhile True: pass',
        'x',
      ],
      '--timeout-s',
      '1',
    );
    const nothing = { stdout: '', stderr: '', error: null, value: null, rounds: [] };
    expect(set).toMatchObject({ ...nothing, kind: 'finished' });
    expect(set?.imageBytes).toBeGreaterThan(0);
    expect(echoed).toMatchObject({ ...nothing, kind: 'finished', stdout: 'out\n', value: '42' });
    expect(raised).toMatchObject({
      ...nothing,
      kind: 'raised',
      stderr: 'e',
      error: {
        type: 'ZeroDivisionError',
        message: 'division by zero',
        traceback:
          'Traceback (most recent call last):\n  File "<cell 1.3>", line 3, in <module>\n    1/0\n    ~^~\nZeroDivisionError: division by zero\n',
      },
    });
    expect(looped).toMatchObject({
      ...nothing,
      kind: 'rolledBack',
      stdout: 'so far\n',
      stderr: 'and this',
      error: { type: 'timeout', traceback: null },
      imageBytes: 0,
      image: raised?.image,
      blob: raised?.blob,
    });
    expect(looped?.computeMs).toBeGreaterThan(900);
    expect(after).toMatchObject({ ...nothing, kind: 'finished', value: '41' });
  });

  test('calls are answered with the first 200 characters of their prompt, a round at a time', async () => {
    const [one, batch, sub, many] = await reports([
      'llm_query("é" * 300) == "é" * 200, llm_query("😀" * 201) == "😀" * 200',
      'from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor() as p: r = list(p.map(llm_query, "abc"))\nr + llm_query_batched(["d", "e"])',
      'rlm_query("part", context="text")',
      'rs = rlm_query_batched(["part"] * 102)\nsum(map(ok, rs)), rs[-1].error.split(":")[0]',
    ]);
    expect(one).toMatchObject({ value: '(True, True)', rounds: [1, 1] });
    expect(batch).toMatchObject({ value: "['a', 'b', 'c', 'd', 'e']", rounds: [3, 2] });
    expect(sub).toMatchObject({ value: "'part'", rounds: [1] });
    expect(many).toMatchObject({ value: "(100, 'Round.TooMany')", rounds: [100] });
  });

  test('other kernels, each restored from the image before, give the same images; another seed does not', async () => {
    const sources = [
      'import random, uuid, os, time\nf = open("notes.txt", "w"); f.write("kept")\ngen = (i * i for i in range(9)); next(gen)',
      'f.write(" on"); f.close(); open("notes.txt").read(), next(gen), random.random(), uuid.uuid4(), os.urandom(2), time.time()',
      'llm_query_batched(["a", "b"])',
      '1/0',
      'next(gen)',
    ];
    const images = (ran: CellReport[]): string[] => ran.map(({ image }) => image);
    const live = await reports(sources, '--seed', 'one');
    const restored = await reports(sources, '--seed', 'one', '--restore-each');
    const other = await reports(sources, '--seed', 'two');
    expect(live.map(({ kind }) => kind)).toEqual([
      'finished',
      'finished',
      'finished',
      'raised',
      'finished',
    ]);
    expect(live[1]?.value).toMatch(
      /^\('kept on', 1, 0\.\d+, UUID\('[-0-9a-f]+'\), b'.+', \d+\.\d+\)$/,
    );
    expect(images(restored)).toEqual(images(live));
    expect(new Set([...images(live), ...images(other)]).size).toBe(2 * sources.length);
  });

  test('a session goes on from any image that an earlier one printed', async () => {
    const [first] = await reports(['def half(n):\n    return n / 0\nkept = [1, 2]']);
    const image = first?.image ?? '';
    const [kept, raised] = await reports(['kept.append(3); kept', 'half(1)'], '--image', image);
    expect(kept?.value).toBe('[1, 2, 3]');
    // The lines of the cell that defined it, not those of a later cell with the same number.
    expect(raised?.error?.traceback).toContain('line 2, in half\n    return n / 0\n');
    const [again] = await reports(['kept'], '--image', image);
    expect(again?.value).toBe('[1, 2]');
  });

  test('inputs are input_data, and the heap has the size that was asked for', async () => {
    const [length, big] = await reports(
      ['input_data["notes"]', 'x = "x" * (200 * 2**20)'],
      '--input',
      'notes=notes.txt',
      '--memory-mib',
      '128',
    );
    expect(length?.value).toBe(String.raw`'The lift was repaired on Tuesday.\n'`);
    expect(big).toMatchObject({ kind: 'raised', error: { type: 'MemoryError' } });
  });

  test('without --json it is a transcript', async () => {
    const { code, stdout } = await cells(['x = 20', 'for i in range(2):\n    print(i)', 'x + 1']);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout:
        'In [1]: x = 20\n\nIn [2]: for i in range(2):\n        print(i)\n0\n1\n\nIn [3]: x + 1\n21\n\n',
    });
  });
});
