import { chmod, open, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { Converter } from '../../documents/converter.ts';
import { ingest } from '../../documents/index.ts';
import { FileBytes, LocalFiles, memoryStore, uploadRequestInputs } from '../../store/index.ts';
import { scratchDirectories } from '../store/scratch-directory.ts';
import { readFiles, refusal } from './read-files.ts';

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

function named(name: string, bytes: Uint8Array | string): FileBytes {
  return new FileBytes(name, typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
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

interface ZipMember {
  name: string;
  content: Buffer;
  declared?: number;
}

/** A ZIP archive, with sizes as they are told. */
function zip(members: readonly ZipMember[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, content, declared } of members) {
    const packed = deflateRawSync(content);
    const sizes = Buffer.alloc(12);
    sizes.writeUInt32LE(packed.length, 4);
    sizes.writeUInt32LE(declared ?? content.length, 8);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(8, 8);
    sizes.copy(local, 14);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(8, 10);
    sizes.copy(entry, 16);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    locals.push(local, Buffer.from(name), packed);
    central.push(entry, Buffer.from(name));
    offset += local.length + name.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

describe('a hostile archive', () => {
  const zeros = Buffer.alloc(80 * 2 ** 20);

  test('that is a bomb is stopped while it unpacks', async () => {
    const bomb = zip([{ name: 'zeros.txt', content: zeros }]);
    expect(bomb.length).toBeLessThan(100_000);
    expect(await refusal(readFiles(named('bomb.zip', bomb)))).toMatch(
      /^InvalidDocument: bomb\.zip looks like a zip bomb: zeros\.txt grows from [\d,]+ bytes to more than \d+ MiB$/,
    );
    expect(await refusal(readFiles(named('bomb.txt.gz', gzipSync(zeros))))).toMatch(
      /^InvalidDocument: bomb\.txt\.gz looks like a zip bomb: /,
    );
  });

  test('that is a bomb in an Office document is stopped too, and told sizes are not believed', async () => {
    const docx = zip([
      { name: 'word/document.xml', content: zeros, declared: 100 },
      { name: '[Content_Types].xml', content: Buffer.from('<Types/>') },
    ]);
    expect(await refusal(readFiles(named('bomb.docx', docx)))).toMatch(
      /^InvalidDocument: bomb\.docx (looks like a zip bomb|is damaged): /,
    );
  });

  test('whose names lead out of it gives the other files', async () => {
    const archive = zip([
      { name: '../../etc/passwd', content: Buffer.from('x') },
      { name: '/abs.txt', content: Buffer.from('x') },
      { name: 'C:\\a.txt', content: Buffer.from('x') },
      { name: 'good.txt', content: Buffer.from('good') },
      { name: '__MACOSX/good.txt', content: Buffer.from('clutter') },
    ]);
    const { values, notes } = await readFiles({ a: named('a.zip', archive) });
    expect(values).toEqual({ 'a > good.txt': 'good' });
    expect(notes).toEqual([
      'a.zip/../../etc/passwd has a path that leads out of the archive: left out',
      'a.zip//abs.txt has an absolute path in the archive: left out',
      'a.zip/C:/a.txt has an absolute path in the archive: left out',
    ]);
  });

  test('within an archive is not opened', async () => {
    const inner = zip([{ name: 'a.txt', content: Buffer.from('A') }]);
    const archive = zip([
      { name: 'inner.zip', content: inner },
      { name: 'b.txt', content: Buffer.from('B') },
    ]);
    const { values, notes } = await readFiles(named('a.zip', archive));
    expect(values).toEqual({ 'b.txt': 'B' });
    expect(notes).toEqual([
      'a.zip/inner.zip is an archive within another document: unpack it: left out',
    ]);
  });
});

describe('the heap', () => {
  test('that inputs do not fit is told before a kernel is opened, with what to raise', async () => {
    const text = 'x'.repeat(50 * 2 ** 20);
    expect(await refusal(readFiles({ big: text, small: 'y' }, { heapMiB: 128 }))).toBe(
      'InvalidInput: The inputs take 51 MiB of the heap, which has 128 MiB, of which Python needs 96; the largest is big with 50 MiB. ' +
        'Raise limits.heapMiB (--heap-mib) to at least 256; it may have 4,096.',
    );
    expect((await readFiles({ big: text }, { heapMiB: 192 })).notes).toEqual([
      "the inputs take 50 MiB of the heap's 192 (limits.heapMiB; a heap may have 4 GiB, one object 2 GiB)",
    ]);
  });

  test('holds a wide text in its widest character, which is named with its place', async () => {
    const text = `${'x'.repeat(20_000_000)}\u{1F600}`;
    const { notes } = await readFiles(new FileBytes('emoji.txt', Buffer.from(text)));
    expect(notes).toEqual([
      'emoji.txt takes 81 MB of the heap: its widest character, U+1F600 at character 20,000,000, takes 4 bytes, and so does each beside it (one object may have 2 GiB, a heap 4 GiB)',
    ]);
  });

  test('gets a text of wide characters in parts below 256 MB', async () => {
    const paragraph = `${'日本語の契約書。'.repeat(1000)}\n\n`;
    const text = paragraph.repeat(17_000);
    const { entries, notes } = await readFiles({
      log: new FileBytes('log.txt', Buffer.from(text)),
    });
    expect(entries.map(({ path, part }) => [path, part])).toEqual([
      [['log'], 0],
      [['log'], 1],
    ]);
    const [first, second] = entries;
    expect((first?.chars ?? 0) + (second?.chars ?? 0)).toBe(text.length);
    expect((first?.chars ?? 0) * 2).toBeLessThanOrEqual(256_000_000);
    expect(first?.blob.sizeBytes).toBeLessThanOrEqual(256_000_000);
    expect(notes).toEqual([
      'log.txt takes 273 MB of the heap: its widest character, U+65E5 at character 0, takes 2 bytes, and so does each beside it; it is split into 2 parts below 256 MB (one object may have 2 GiB, a heap 4 GiB)',
    ]);
  });
});

describe('the thread that reads documents', () => {
  test('that is lost to one document reads the next', async () => {
    const converter = new Converter({ ms: 1 });
    const slow = Buffer.from(`<p>${'a <b>b</b> '.repeat(200_000)}</p>`);
    expect(await refusal(converter.read('slow.html', slow))).toBe(
      'Unreadable: took longer than 1 min to read',
    );
    await converter.dispose();
  });

  test('ends with the cancellation of the run', async () => {
    const converter = new Converter();
    const cancelling = new AbortController();
    const reading = converter.read('a.txt', Buffer.from('text'), { signal: cancelling.signal });
    cancelling.abort(new Error('cancelled'));
    await expect(reading).rejects.toThrow('cancelled');
    expect((await converter.read('b.txt', Buffer.from('text'))).texts).toHaveLength(1);
    await converter.dispose();
  });

  test('has a limit of memory, and what is beyond it is no fault of the worker', async () => {
    const converter = new Converter({ memoryMiB: 32 });
    const rows = `[${'{"a":[1,2,3,{"b":"c"}]},'.repeat(300_000)}1]`;
    expect(await refusal(converter.read('big.json', Buffer.from(rows)))).toBe(
      'Unreadable: needs more than 32 MiB of memory to be read',
    );
    await converter.dispose();
  });
});
