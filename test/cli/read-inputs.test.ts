import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { InvalidDocument, readInputs } from '../../documents/index.ts';
import { JsonText } from '../../store/index.ts';
import { scratchDirectories } from '../store/scratch-directory.ts';

const scratch = scratchDirectories();

async function folderWith(files: Record<string, string | Buffer>): Promise<string> {
  const root = await scratch();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), content);
  }
  return root;
}

describe('inputs of a command line', () => {
  test('one path alone is the value itself', async () => {
    const root = await folderWith({ 'contract.txt': 'long text' });
    expect(await readInputs([join(root, 'contract.txt')])).toEqual({
      value: 'long text',
      notes: [],
    });
  });

  test('named paths become a dict, in the order given', async () => {
    const root = await folderWith({
      'contract.txt': 'long',
      'prior/b.md': 'B',
      'prior/a.txt': 'A',
    });
    const { value } = await readInputs([
      `prior=${join(root, 'prior')}`,
      `contract=${join(root, 'contract.txt')}`,
    ]);
    expect(JSON.stringify(value)).toBe('{"prior":{"a.txt":"A","b.md":"B"},"contract":"long"}');
  });

  test('several paths without names are named by their files', async () => {
    const root = await folderWith({ 'a.txt': 'A', 'b.txt': 'B' });
    const { value } = await readInputs([join(root, 'a.txt'), join(root, 'b.txt')]);
    expect(value).toEqual({ 'a.txt': 'A', 'b.txt': 'B' });
  });

  test('a file with an equals sign in its name is found', async () => {
    const root = await folderWith({ 'x=1.txt': 'one' });
    expect((await readInputs([join(root, 'x=1.txt')])).value).toBe('one');
  });

  test('a folder is read with its folders; hidden files and linked folders are left out and noted', async () => {
    const root = await folderWith({ 'sub/b.txt': 'B', 'a.txt': 'A', '.DS_Store': '\0\0' });
    await symlink(root, join(root, 'loop'));
    await symlink(join(root, 'a.txt'), join(root, 'link.txt'));
    expect(await readInputs([root])).toEqual({
      value: { 'a.txt': 'A', 'link.txt': 'A', 'sub/b.txt': 'B' },
      notes: [
        `${root}/.DS_Store is hidden: left out`,
        `${root}/loop is a link to a folder: left out`,
      ],
    });
  });

  test('standard input is read for -, and guesses about it are noted', async () => {
    const stdin = Readable.from([Buffer.from('na'), Buffer.from('ïve', 'latin1')]);
    expect(await readInputs(['text=-'], stdin)).toEqual({
      value: { text: 'naïve' },
      notes: ['standard input is not UTF-8: read as windows-1252'],
    });
  });

  test.each([
    ['a dict of texts', '{"b":"B","a":"A"}', { b: 'B', a: 'A' }],
    ['a text', '"hello"', 'hello'],
    ['numbers that JavaScript would change', '{"x": 1.0}', new JsonText('{"x": 1.0}')],
    ['keys that JavaScript would reorder', '{"2":"b","1":"a"}', new JsonText('{"2":"b","1":"a"}')],
    ['a list', '[1]', new JsonText('[1]')],
  ])('a .json file holding %s is a value', async (_, content, expected) => {
    const root = await folderWith({ 'data.JSON': content });
    expect((await readInputs([join(root, 'data.JSON')])).value).toEqual(expected);
  });
});

async function refusal(...specs: string[]): Promise<string> {
  const failure: unknown = await readInputs(specs, Readable.from([])).catch((e: unknown) => e);
  expect(failure).toBeInstanceOf(InvalidDocument);
  return failure instanceof Error ? failure.message : '';
}

describe('inputs that cannot be read are refused in one sentence', () => {
  test.each([
    [['/no/such/file.txt'], 'there is no file or folder /no/such/file.txt'],
    [['contract=/no/such/file.txt'], 'there is no file or folder /no/such/file.txt'],
    [['=x'], 'input "=x" is not of the form name=path'],
    [['x='], 'input "x=" is not of the form name=path'],
    [['a=-', 'b=-'], 'standard input (-) can be read for one input only'],
    [['a=x', 'a=y'], 'input "a" is given twice'],
    [['-'], 'standard input is empty'],
  ])('%j', async (specs, message) => {
    expect(await refusal(...specs)).toBe(message);
  });

  test('JSON that is none', async () => {
    const root = await folderWith({ 'data.json': '{"a": ' });
    expect(await refusal(join(root, 'data.json'))).toBe(
      `${root}/data.json is not valid JSON: Unexpected end of JSON input`,
    );
  });

  test('a folder without files, and a PDF in a folder', async () => {
    const root = await folderWith({ 'prior/scan.pdf': '%PDF-1.4', 'empty/.hidden': 'x' });
    expect(await refusal(join(root, 'empty'))).toBe(`the folder ${root}/empty holds no files`);
    expect(await refusal(`prior=${join(root, 'prior')}`)).toBe(
      `${root}/prior/scan.pdf is a PDF: convert it to text first`,
    );
  });
});
