import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { CliError } from '../../cli/cli-error.ts';
import { readInputs } from '../../cli/read-inputs.ts';
import { FileBytes, LocalFiles, RemoteFiles } from '../../store/index.ts';
import { readFiles } from '../documents/read-files.ts';
import { scratchDirectories } from '../store/scratch-directory.ts';

// Scope: what the command line makes of --input. What becomes of the files is tested in test/documents.

const scratch = scratchDirectories();

async function folderWith(files: Record<string, string>): Promise<string> {
  const root = await scratch();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), content);
  }
  return root;
}

describe('inputs of a command line', () => {
  test('one location alone is the value itself', async () => {
    const root = await folderWith({ 'contract.txt': 'long text' });
    const value = await readInputs([join(root, 'contract.txt')]);
    expect(value).toEqual(new LocalFiles(join(root, 'contract.txt')));
    expect((await readFiles(value)).values).toEqual({ '': 'long text' });
  });

  test('named locations become a dict, in the order given; folders and patterns dicts of their files', async () => {
    const root = await folderWith({
      'contract.txt': 'long',
      'prior/b.md': 'B',
      'prior/a.txt': 'A',
    });
    const value = await readInputs([
      `prior=${root}/prior`,
      `contract=${root}/contract.txt`,
      `some=${root}/*/*.md`,
    ]);
    expect((await readFiles(value)).values).toEqual({
      'prior > a.txt': 'A',
      'prior > b.md': 'B',
      contract: 'long',
      'some > prior/b.md': 'B',
    });
  });

  test('several without names are named by their files', async () => {
    const root = await folderWith({ 'a.txt': 'A', 'b.txt': 'B' });
    const value = await readInputs([join(root, 'a.txt'), join(root, 'b.txt')]);
    expect((await readFiles(value)).values).toEqual({ 'a.txt': 'A', 'b.txt': 'B' });
  });

  test('a path or address with an equals sign is found', async () => {
    const root = await folderWith({ 'x=1.txt': 'one', '[a].txt': 'two' });
    expect(await readInputs([join(root, 'x=1.txt')])).toEqual(new LocalFiles(`${root}/x=1.txt`));
    expect((await readFiles(await readInputs([`${root}/[a].txt`]))).values).toEqual({ '': 'two' });
    expect(await readInputs(['https://example.com/?a=b'])).toEqual(
      new RemoteFiles('https://example.com/?a=b'),
    );
  });

  test('what a worker reads is left to it', async () => {
    expect(
      await readInputs(['a=s3://bucket/key', 'b=worker:/data/*.pdf', 'c=HTTPS://h/x']),
    ).toEqual({
      a: new RemoteFiles('s3://bucket/key'),
      b: new RemoteFiles('worker:/data/*.pdf'),
      c: new RemoteFiles('HTTPS://h/x'),
    });
  });

  test('standard input is read for -', async () => {
    const stdin = Readable.from([Buffer.from('na'), Buffer.from('ïve', 'latin1')]);
    const value = await readInputs(['text=-'], stdin);
    expect(value).toEqual({
      text: new FileBytes('standard input', Buffer.from('naïve', 'latin1')),
    });
    const { values, notes } = await readFiles(value);
    expect(values).toEqual({ text: 'naïve' });
    expect(notes).toEqual([
      'standard input is not UTF-8: read as windows-1252 (guessed from its bytes)',
    ]);
  });
});

describe('inputs that cannot be found are refused in one sentence', () => {
  test.each([
    [['/no/such/file.txt'], 'there is no file or folder /no/such/file.txt'],
    [['contract=/no/such/file.txt'], 'there is no file or folder /no/such/file.txt'],
    [['x=/no/such/*.pdf'], 'no file matches /no/such/*.pdf'],
    [['=x'], 'input "=x" is not of the form name=path'],
    [['x='], 'input "x=" is not of the form name=path'],
    [['a=-', 'b=-'], 'standard input (-) can be read for one input only'],
    [['a=x', 'a=y'], 'input "a" is given twice'],
    [['-'], 'standard input is empty'],
    [['/dev/null'], '/dev/null is not a regular file'],
  ])('%j', async (specs, message) => {
    const failure: unknown = await readInputs(specs, Readable.from([])).catch((e: unknown) => e);
    expect(failure).toEqual(new CliError(`${message}: check --input.`));
  });
});
