import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Edit, ManifestEntry } from '../../protocol/index.ts';
import { decodeHeader } from '../../repl/image/image-format.ts';
import { pythonText } from '../../repl/host/python-text.ts';
import type { Repl } from '../../repl/index.ts';
import { putJson } from '../../store/index.ts';
import { memoryStore, openTestRepl, Session } from './support/session.ts';

// Scope: texts that arrive as `Document`s and in parts. How they are read from files is tested in test/documents.

const store = memoryStore();
let here: Repl;
let elsewhere: Repl;
beforeAll(async () => {
  [here, elsewhere] = await Promise.all([openTestRepl(store), openTestRepl(store)]);
});
afterAll(async () => {
  await Promise.all([here.dispose(), elsewhere.dispose()]);
});

async function edit(entries: ManifestEntry[]): Promise<Edit[]> {
  const { digest } = await putJson(store, { entries });
  return [{ kind: 'setManifest', variable: 'input_data', manifest: digest }];
}

async function entryOf(
  text: string,
  path: string[],
  more: Partial<ManifestEntry> = {},
): Promise<ManifestEntry> {
  const blob = await store.blobs.put(Buffer.from(text));
  return { path, format: 'text', blob, chars: Array.from(text).length, ...more };
}

const MIB = 2 ** 20;
const line = 'The supplier shall indemnify the customer without limit.\n';

describe('a large document', () => {
  test.each([
    ['of ASCII', 'end', 1],
    ['of Latin-1', 'é', 1],
    ['with a character of two bytes', '→', 2],
    ['with a character of four bytes', '\u{1F600}', 4],
  ])(
    '%s is a str with pages, held once, and comes back in another kernel',
    async (_, end, width) => {
      const session = new Session(here, store, `document ${end}`);
      const plain = new Session(here, store, `plain ${end}`);
      const text = line.repeat(Math.ceil((12 * MIB) / line.length / width)) + end;
      const chars = Array.from(text).length;
      const document = {
        name: 'contract.txt',
        pages: [
          [0, 1000],
          [1000, chars],
        ] satisfies [number, number][],
        metadata: { format: 'text' },
      };
      const bare = await plain.run('', { edits: await edit([await entryOf(text, [])]) });
      const opened = await session.run('', {
        edits: await edit([await entryOf(text, [], { document })]),
      });
      expect(opened.image.heapBytes - bare.image.heapBytes).toBeLessThan(MIB);
      const { header } = decodeHeader(await store.blobs.get(opened.image.blob));
      const covered = header.extents.reduce((sum, { pages }) => sum + pages * 4096, 0);
      expect(covered).toBeGreaterThan((chars - 1) * width - 3 * 4096);

      const look = [
        '(type(input_data).__name__, isinstance(input_data, str), len(input_data),',
        ' input_data.name, input_data.page_of(1500), input_data.metadata, input_data.page(1) == input_data[:1000],',
        ' input_data.isascii(), hash(input_data) == hash(input_data[:]), input_data.encode()[-4:],',
        ' len(search_text(input_data, "WITHOUT limit", max_results=3)), input_data.count("indemnify"), context is input_data)',
      ].join('\n');
      const seen = await session.run(look);
      expect(seen.value).toBe(
        `('Document', True, ${chars}, 'contract.txt', 2, {'format': 'text'}, True, ${end === 'end' ? 'True' : 'False'}, True, ` +
          `${pythonBytes(Buffer.from(text).subarray(-4))}, 3, ${text.split('indemnify').length - 1}, True)`,
      );
      const other = new Session(elsewhere, store, `document elsewhere ${end}`);
      other.image = session.image;
      const { value, image } = await other.run(look);
      expect(value).toBe(seen.value);

      // Its memory goes with it: others find room there.
      await other.run('del input_data, context');
      const after = await other.run(`x = "y" * ${(chars - 100) * width}\nlen(x)`);
      expect(after.image.heapBytes).toBeLessThanOrEqual(image.heapBytes);
    },
  );

  test('takes no memory of the heap when there is none', async () => {
    const session = new Session(here, store, 'too large');
    const text = line.repeat(Math.ceil((80 * MIB) / line.length));
    const edits = await edit([await entryOf(text, ['a'], { document: { name: 'a' } })]);
    const outcome = await session.outcome('', { edits, limits: { heapMiB: 100 } });
    expect(outcome).toMatchObject({ kind: 'rolledBack', reason: 'memory' });
  });
});

function pythonBytes(bytes: Buffer): string {
  const shown = [...bytes].map((byte) =>
    byte === 10 ? '\\n' : byte < 127 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`,
  );
  return `b'${shown.join('')}'`;
}

test('a text in parts is one list-like document, searched as one', async () => {
  const session = new Session(here, store, 'parts');
  const part = (text: string, number: number, firstPage = 1): Promise<ManifestEntry> =>
    entryOf(text, ['log'], {
      part: number,
      document: {
        name: 'log.txt',
        metadata: { format: 'text' },
        pages: [[0, text.length]],
        firstPage,
      },
    });
  const edits = await edit([
    await entryOf('beside', ['other']),
    await part('first part: indemnity\n\n', 0),
    await part('second part, nothing\n\n', 1, 2),
    await part('third: Indemnity again', 2, 3),
  ]);
  await session.run('', { edits });
  const shown = await session.run(
    'log = input_data["log"]\n(type(log).__name__, len(log), log.chars, log.name, log.metadata, type(log[2]).__name__,' +
      ' [(p.part, p.page, p.start, p.document) for p in search_text(log, "indemnity")], input_data["other"])',
  );
  expect(shown.value).toBe(
    "('Parts', 3, 67, 'log.txt', {'format': 'text'}, 'Document', [(0, 1, 0, 'log.txt'), (2, 3, 0, 'log.txt')], 'beside')",
  );
});

describe('characters of a str', () => {
  test.each([
    ['naïve ', 255, 1],
    ['日本 ', 65535, 2],
    ['\u{1F600} ', 0x10ffff, 4],
  ])('%j longer than a chunk', (unit, maxChar, width) => {
    const text = `x${unit.repeat(Math.ceil((17 * MIB) / Buffer.byteLength(unit)))}`;
    const made = pythonText(Buffer.from(text));
    const { length, bytes } = made;
    expect([length, made.maxChar, bytes.length]).toEqual([
      (Array.from(unit).length * (text.length - 1)) / unit.length + 1,
      maxChar,
      length * width,
    ]);
    const codes = [0, 1, length - 2, length - 1].map((at) =>
      Buffer.from(bytes).readUIntLE(at * width, width),
    );
    const points = Array.from(unit);
    expect(codes.map((code) => String.fromCodePoint(code))).toEqual([
      'x',
      points[0],
      points.at(-2),
      ' ',
    ]);
  });
});
