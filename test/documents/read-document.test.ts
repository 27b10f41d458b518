import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { InvalidDocument, readDocument } from '../../documents/index.ts';
import { scratchDirectories } from '../store/scratch-directory.ts';

const scratch = scratchDirectories();

async function documentWith(bytes: Uint8Array, name = 'notes.txt'): Promise<string> {
  const path = join(await scratch(), name);
  await writeFile(path, bytes);
  return path;
}

function utf16be(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

describe('a text document', () => {
  test.each([
    ['UTF-8', Buffer.from('naïve 🎉'), 'utf-8'],
    ['UTF-8 with a byte order mark', Buffer.from('\ufeffnaïve 🎉'), 'utf-8'],
    ['UTF-16 LE with a mark', Buffer.from('\ufeffnaïve 🎉', 'utf16le'), 'utf-16le'],
    ['UTF-16 BE with a mark', utf16be('\ufeffnaïve 🎉'), 'utf-16be'],
    ['UTF-16 LE without a mark', Buffer.from('naïve 🎉', 'utf16le'), 'utf-16le'],
    ['UTF-16 BE without a mark', utf16be('naïve 🎉'), 'utf-16be'],
  ])('in %s is read', async (_, bytes, encoding) => {
    const path = await documentWith(bytes);
    expect(await readDocument(path)).toEqual({
      name: 'notes.txt',
      text: 'naïve 🎉',
      encoding,
      note: encoding === 'utf-8' ? null : `${path} is not UTF-8: read as ${encoding}`,
    });
  });

  test('in Latin-1 is read, and the guess is stated', async () => {
    const path = await documentWith(Buffer.from('§ 4 naïve', 'latin1'));
    expect(await readDocument(path)).toEqual({
      name: 'notes.txt',
      text: '§ 4 naïve',
      encoding: 'windows-1252',
      note: `${path} is not UTF-8: read as windows-1252`,
    });
  });

  test('that is empty is an empty text', async () => {
    expect(await readDocument(await documentWith(Buffer.alloc(0)))).toMatchObject({ text: '' });
  });

  test('keeps line ends and form feeds as they are', async () => {
    const text = 'a\r\nb\rc\n\fd\u001b[0m';
    expect((await readDocument(await documentWith(Buffer.from(text)))).text).toBe(text);
  });

  test('of any content is read back from UTF-8', async () => {
    const path = await documentWith(Buffer.alloc(0));
    const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'));
    await fc.assert(
      fc.asyncProperty(text, async (value) => {
        const written = `Title: ${value}`;
        await writeFile(path, written);
        expect((await readDocument(path)).text).toBe(written.toWellFormed());
      }),
    );
  });
});

describe('what is no text is refused by name', () => {
  test.each([
    ['%PDF-1.7\n', 'a PDF'],
    ['PK\x03\x04rest', 'a ZIP archive or an Office document'],
    ['\xd0\xcf\x11\xe0\xa1\xb1', 'an old Office document'],
    ['\x89PNG\r\n', 'a PNG image'],
    ['\x7fELF\x02', 'a program'],
    ['abc\0def\0\0', 'binary data'],
    ['\x01\x02\x03\xff\xfe\xe9', 'binary data'],
    ['\xff\xfe\0\0a\0\0\0', 'UTF-32 text'],
    ['\xff\xfea', 'damaged UTF-16LE'],
    ['\xef\xbb\xbfab\xff', 'damaged UTF-8'],
  ])('%j: %s', async (content, what) => {
    const path = await documentWith(Buffer.from(content, 'latin1'));
    const failure: unknown = await readDocument(path).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(InvalidDocument);
    expect(failure).toMatchObject({ message: `${path} is ${what}: convert it to text first` });
  });

  test('a missing file, a folder: one sentence each', async () => {
    const folder = await scratch();
    await mkdir(join(folder, 'sub'));
    await expect(readDocument(join(folder, 'none.txt'))).rejects.toThrow(
      new InvalidDocument(`there is no file or folder ${folder}/none.txt`),
    );
    await expect(readDocument(join(folder, 'sub'))).rejects.toThrow(
      new InvalidDocument(`${folder}/sub is a folder, not a file`),
    );
  });
});
