import { deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { named, readFiles, refusal } from './read-files.ts';

// Scope: archives that are made to harm: bombs, names that lead out, archives within archives.

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
