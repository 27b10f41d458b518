import { chmod, mkdir, open, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ingest } from '../../documents/index.ts';
import { FileBytes, LocalFiles, memoryStore, uploadRequestInputs } from '../../store/index.ts';
import { scratchDirectories } from '../store/scratch-directory.ts';
import { named, readFiles, refusal } from './read-files.ts';

// Scope: whatever a file is, one sentence names it and says what is wrong; of many, the others are used.

const FIXTURES = join(import.meta.dirname, 'fixtures');
const scratch = scratchDirectories();

async function folderWith(files: Record<string, string | Buffer>): Promise<string> {
  const root = await scratch();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), content);
  }
  return root;
}

async function fixture(name: string): Promise<Buffer> {
  return await readFile(join(FIXTURES, name));
}

describe('a document that cannot be read is refused by name', () => {
  test.each<[string, string, () => Promise<Uint8Array | string> | string, string]>([
    [
      'a PDF cut in half',
      'half.pdf',
      async () => (await fixture('contract.pdf')).subarray(0, 1400),
      'half.pdf is a damaged PDF (Invalid PDF structure)',
    ],
    [
      'an encrypted PDF',
      'e.pdf',
      () => fixture('encrypted.pdf'),
      'e.pdf is encrypted: save it without a password',
    ],
    [
      'a scanned PDF',
      's.pdf',
      () => fixture('scanned.pdf'),
      's.pdf holds no text: its 2 pages are images (a scan); run text recognition (OCR) over it',
    ],
    [
      'a text that is called a PDF',
      'x.pdf',
      () => 'hello',
      'x.pdf is called a PDF and is none: it is damaged, or has another format',
    ],
    [
      'a Word document cut in half',
      'half.docx',
      async () => (await fixture('report.docx')).subarray(0, 20_000),
      'half.docx is a damaged ZIP archive (End of central directory record signature not found. Either not a zip file, or file is truncated.)',
    ],
    [
      'an old Office document',
      'a.doc',
      () => '\xd0\xcf\x11\xe0\xa1\xb1',
      'a.doc is an old Office document: save it as .docx or .xlsx',
    ],
    ['a picture', 'a.txt', () => '\x89PNG\r\n', 'a.txt is a PNG image: it holds no text'],
    ['a program', 'run', () => '\x7fELF\x02', 'run is a program'],
    [
      'binary data',
      'data.bin',
      () => 'abc\0def\0\0',
      'data.bin is binary data: convert it to text',
    ],
    [
      'damaged text',
      'a.txt',
      () => '\xef\xbb\xbfab\xff',
      'a.txt is damaged UTF-8: convert it to text',
    ],
    [
      'JSON that is none',
      'a.json',
      () => '{"a": ',
      'a.json is not valid JSON: Unexpected end of JSON input',
    ],
    [
      'JSON Lines with one that is none',
      'a.jsonl',
      () => '{"a":1}\n\n{"b"\n',
      `a.jsonl is not valid JSON in line 3: Expected ':' after property name in JSON at position 4 (line 1 column 5)`,
    ],
    [
      'a damaged archive',
      'a.tgz',
      () => '\x1f\x8b\x08\0abc',
      'a.tgz is a damaged gzip archive (incorrect data check)',
    ],
    [
      'an archive without files',
      'a.zip',
      () => `PK\x05\x06${'\0'.repeat(18)}`,
      'a.zip is an archive without files',
    ],
  ])('%s', async (_, name, content, message) => {
    const found = await refusal(readFiles(named(name, await content())));
    if (name === 'a.tgz')
      expect(found).toMatch(/^InvalidDocument: a\.tgz is a damaged gzip archive \(.+\)$/);
    else expect(found).toBe(`InvalidDocument: ${message}`);
  });

  test('a file of 5 GB, before it is read', async () => {
    const path = join(await scratch(), 'huge.txt');
    const file = await open(path, 'w');
    await file.truncate(5_000_000_000);
    await file.close();
    expect(await refusal(readFiles(new LocalFiles(path)))).toBe(
      `InvalidInput: ${path} has 5,000 MB: one object of the REPL may have 2 GiB (2,147 MB), split the file`,
    );
  });

  test('one without permission', async () => {
    const root = await folderWith({ 'a.txt': 'A', 'secret.txt': 'S' });
    const path = join(root, 'secret.txt');
    await chmod(path, 0o000);
    await chmod(root, 0o755);
    const asNobody = process.getuid?.() === 0;
    // Root may read everything: then nobody does it.
    if (asNobody) process.seteuid?.(65534);
    try {
      expect(await refusal(readFiles(new LocalFiles(path)))).toBe(
        `InvalidInput: ${path} cannot be read: no permission`,
      );
      const { values, notes } = await readFiles(new LocalFiles(root));
      expect(values).toEqual({ 'a.txt': 'A' });
      expect(notes).toEqual([`${path} cannot be read: no permission: left out`]);
    } finally {
      if (asNobody) process.seteuid?.(0);
    }
  });

  test('an empty folder, a pattern without files, nothing at all', async () => {
    const root = await folderWith({ '.hidden': 'x' });
    expect(await refusal(readFiles(new LocalFiles(root)))).toBe(
      `InvalidInput: the folder ${root} holds no files`,
    );
    expect(await refusal(readFiles(new LocalFiles(`${root}/*.pdf`)))).toBe(
      `InvalidInput: no file matches ${root}/*.pdf`,
    );
    expect(await refusal(readFiles(new LocalFiles(`${root}/none`)))).toBe(
      `InvalidInput: there is no file or folder ${root}/none`,
    );
  });
});

describe('one bad document of many', () => {
  const many = async (): Promise<string> =>
    folderWith({
      'a.txt': 'A',
      'b.pdf': '%PDF-1.7\nbroken',
      'c.json': '{',
      'd.md': Buffer.from('Zoë', 'latin1'),
      'pic.png': Buffer.from('\x89PNG\r\n', 'latin1'),
    });

  test('is reported and the rest are used', async () => {
    const root = await many();
    const { values, notes } = await readFiles({ docs: new LocalFiles(root) });
    expect(values).toEqual({ 'docs > a.txt': 'A', 'docs > d.md': 'Zoë' });
    expect(notes).toEqual([
      `${root}/b.pdf is a damaged PDF (Invalid PDF structure): left out`,
      expect.stringContaining(`${root}/c.json is not valid JSON: `),
      `${root}/pic.png is a PNG image: it holds no text: left out`,
      `${root}/d.md is not UTF-8: read as windows-1252 (guessed from its bytes)`,
    ]);
  });

  test('ends a strict run', async () => {
    const root = await many();
    expect(await refusal(readFiles({ docs: new LocalFiles(root) }, { strict: true }))).toBe(
      `InvalidDocument: ${root}/b.pdf is a damaged PDF (Invalid PDF structure)`,
    );
  });

  test('that are all bad is an error', async () => {
    const root = await folderWith({ 'a.pdf': '%PDF-x', 'b.pdf': '%PDF-y' });
    const other = new FileBytes('fine.txt', Buffer.from('fine'));
    expect(await refusal(readFiles({ docs: new LocalFiles(`${root}/*.pdf`), other }))).toBe(
      `InvalidDocument: none of 2 documents can be read, the first because ${root}/a.pdf is a damaged PDF (Invalid PDF structure)`,
    );
  });

  test('is what is no regular file or leads in circles, too', async () => {
    const root = await folderWith({ 'a.txt': 'A', 'sub/b.txt': 'B' });
    await symlink(root, join(root, 'loop'));
    await symlink(join(root, 'none'), join(root, 'dangling'));
    const { values, notes } = await readFiles(new LocalFiles(root));
    expect(Object.keys(values)).toEqual(['a.txt', 'sub/b.txt']);
    expect(notes).toEqual([
      `${root}/dangling is a link to nothing: left out`,
      `${root}/loop is a link to a folder: left out`,
    ]);
  });

  test('more notes than travel are counted; the manifest has all', async () => {
    const files = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`${i + 10}.json`, '{']));
    const store = memoryStore();
    const value = new LocalFiles(await folderWith({ ...files, 'a.txt': 'A' }));
    const { sources } = await uploadRequestInputs(store, value);
    const { notes } = await ingest(store, [], { sources: sources?.list });
    expect(notes).toHaveLength(12);
    expect(notes?.at(-1)).toBe('and 19 more');
    expect((await readFiles(value)).notes).toHaveLength(30);
  });
});
