import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { digestOf, FileBytes, LocalFiles, memoryStore } from '../../store/index.ts';
import { readFiles, watched } from './read-files.ts';

// Scope: what a run has of files of each format, made by the programs that make_fixtures.py names.

const FIXTURES = join(import.meta.dirname, 'fixtures');

function fixture(name: string): LocalFiles {
  return new LocalFiles(join(FIXTURES, name));
}

function made(name: string, text: string): FileBytes {
  return new FileBytes(name, Buffer.from(text));
}

/** The one text of a file, as a document. */
async function documentOf(file: LocalFiles | FileBytes): Promise<{
  text: unknown;
  name: string | undefined;
  pages: readonly (readonly number[])[] | undefined;
  metadata: unknown;
  notes: string[];
}> {
  const { values, entries, notes } = await readFiles(file);
  expect(entries).toHaveLength(1);
  const { name, pages, metadata } = entries[0]?.document ?? {};
  return { text: values[''], name, pages, metadata, notes };
}

describe('texts', () => {
  test('a PDF comes with its pages', async () => {
    const { text, name, pages, metadata, notes } = await documentOf(fixture('contract.pdf'));
    expect(name).toBe('contract.pdf');
    const whole = String(text);
    expect(pages?.map(([start, end]) => whole.slice(start, end))).toEqual([
      '1. Definitions\n“Supplier” means Müller & Søn GmbH. The fee is 1,200 €.\n\f',
      '2. Indemnity\nThe Supplier shall indemnify the Client against all claims of third parties.\nParty Cap\nSupplier 100,000\nClient none\n\f',
      '3. Term\nThis agreement ends on 31 December 2027.\n',
    ]);
    expect(metadata).toEqual({ format: 'pdf', pages: 3, title: 'Service agreement' });
    expect(notes).toEqual([]);
  });

  test('a Word document keeps headings, lists and tables', async () => {
    const { text, metadata } = await documentOf(fixture('report.docx'));
    expect(text).toBe(
      '# Annual report\n\n# Revenue\n\nRevenue rose to 12.5 million € – “a record”.\n\n* first point\n* second point\n\n' +
        '| Region | Sales |\n| ------ | ----- |\n| North  | 7.5   |\n\n# Outlook\n\nStable.\n',
    );
    expect(metadata).toEqual({ format: 'docx' });
  });

  test('a page of the web is its content, with nothing escaped', async () => {
    const page =
      '<html><head><title> The rules </title><style>p{}</style><script>alert(1)</script></head><body>' +
      '<h2>1. Snake_case</h2><p>Pay 5*3 &amp; go <a href="https://example.com/x">there</a>.</p></body></html>';
    const { text, metadata } = await documentOf(made('rules.html', page));
    expect(text).toBe('## 1. Snake_case\n\nPay 5*3 & go [there](https://example.com/x).\n');
    expect(metadata).toEqual({ format: 'html', encoding: 'utf-8', title: 'The rules' });
  });

  test('a page that says its encoding is read in it', async () => {
    const page = Buffer.from('<meta charset="iso-8859-2"><p>\xb1\xe6</p>', 'latin1');
    const { text, notes } = await documentOf(new FileBytes('page.html', page));
    expect(text).toBe('ąć\n');
    expect(notes).toEqual(['page.html is not UTF-8: read as iso-8859-2']);
  });

  test('a message has its headers, its text, and its attachments behind it', async () => {
    const { text, metadata } = await documentOf(fixture('mail.eml'));
    expect(text).toBe(
      [
        'From: Jürgen <juergen@example.com>',
        'To: <legal@example.com>',
        'Date: 2026-03-03T09:00:00.000Z',
        'Subject: Vertrag: Änderung',
        '',
        'Please see the attachment.\nGrüße',
        '',
        '=== attachment: caps.csv ===',
        '[{"party":"Supplier","cap":"100"}]\n',
      ].join('\n'),
    );
    expect(metadata).toMatchObject({ format: 'eml', attachments: ['caps.csv'] });
  });

  test.each(['notes.md', 'main.py', 'Makefile', 'log'])('%s is its text', async (name) => {
    const { text, metadata } = await documentOf(made(name, '# naïve\r\n\tx = 1\n'));
    expect(text).toBe('# naïve\r\n\tx = 1\n');
    expect(metadata).toEqual({ format: 'text', encoding: 'utf-8' });
  });

  test('form feeds end the pages of a text', async () => {
    const { pages } = await documentOf(made('a.txt', 'één\fzwei\f'));
    expect(pages).toEqual([
      [0, 4],
      [4, 9],
    ]);
  });

  test.each([
    ['japanese.txt', 'これは契約書です。', 'shift_jis'],
    ['russian.txt', 'Поставщик обязуется', 'windows-1251'],
    ['chinese.txt', '供应商应赔偿客户', 'gb18030'],
    ['german.txt', 'Der Lieferant hält', 'windows-1252'],
  ])(
    '%s is read in the encoding that it looks like, which is stated',
    async (name, start, encoding) => {
      const { text, notes, metadata } = await documentOf(fixture(name));
      expect(String(text).slice(0, start.length)).toBe(start);
      expect(metadata).toEqual({ format: 'text', encoding });
      expect(notes).toEqual([`${name} is not UTF-8: read as ${encoding} (guessed from its bytes)`]);
    },
  );
});

describe('tables are lists of dicts', () => {
  test.each([
    ['semicolon.csv', 'csv'],
    ['people.tsv', 'tsv'],
  ])('%s', async (name, format) => {
    const { values, entries } = await readFiles(fixture(name));
    expect(values['']).toEqual([
      { name: 'Jürgen', town: 'Köln', note: 'said "yes"; then no' },
      { name: 'Zoë', town: 'Zürich', note: 'two\nlines' },
    ]);
    expect(entries[0]?.document?.metadata).toMatchObject({
      format,
      rows: 2,
      columns: ['name', 'town', 'note'],
    });
  });

  test('columns without a name, of one name, and cells beyond the header', async () => {
    const { values, notes } = await readFiles(made('t.csv', 'a,,a\n1,2,3\n4\n\n5,6,7,8\n'));
    expect(values['']).toEqual([
      { a: '1', column_2: '2', a_2: '3' },
      { a: '4', column_2: null, a_2: null },
      { a: '5', column_2: '6', a_2: '7', column_4: '8' },
    ]);
    expect(notes).toEqual([
      't.csv has a row with more cells than its header: the columns without a name are numbered',
    ]);
  });

  test('JSON Lines come as they are written', async () => {
    const store = memoryStore();
    const { entries } = await readFiles(fixture('events.jsonl'), { store });
    const bytes = await store.blobs.get(entries[0]?.blob.digest ?? '');
    expect(bytes.toString()).toBe(
      '[{"id": 12345678901234567890, "x": 1.0},\n{"id": 2, "tags": ["a", "b"]}]',
    );
    expect(entries[0]?.document?.metadata).toMatchObject({ rows: 2, columns: ['id', 'x', 'tags'] });
  });

  const orders = [
    { id: 1, customer: 'Ärzte GmbH', amount: 12.5, paid: true, date: '2026-03-01' },
    { id: 2, customer: 'Søn', amount: 1e6, paid: false, date: '2026-03-02T14:30:00' },
    { id: 3, customer: null, amount: -4, paid: null, date: null },
  ];

  test('a workbook of one sheet is its table', async () => {
    expect((await readFiles(fixture('one-sheet.xlsx'))).values).toEqual({ '': orders });
  });

  test('a workbook of several sheets is a dict of them', async () => {
    const { values } = await readFiles({ book: fixture('figures.xlsx') });
    expect(values).toEqual({
      'book > Orders': orders,
      'book > Rates': [{ currency: 'EUR', rate: 1 }],
    });
  });
});

describe('JSON is its value', () => {
  test.each([
    ['a dict of texts, text by text', '{"b":"B","a":"A"}', { b: 'B', a: 'A' }, 'text'],
    ['a text', '"hello"', { '': 'hello' }, 'text'],
    ['anything else', '{"x": [1.0]}', { '': { x: [1] } }, 'json'],
    ['keys that JavaScript would reorder', '{"2":"b","1":"a"}', { '': { 2: 'b', 1: 'a' } }, 'json'],
  ])('%s', async (_, text, expected, format) => {
    const { values, entries } = await readFiles(made('data.JSON', text));
    expect(values).toEqual(expected);
    expect(entries.map((entry) => entry.format)).toEqual(entries.map(() => format));
  });
});

describe('archives are dicts of their files', () => {
  test.each(['bundle.zip', 'bundle.tar', 'bundle.tgz'])('%s', async (name) => {
    const { values, notes, entries } = await readFiles({ docs: fixture(name) });
    expect(Object.keys(values)).toEqual(['docs > a.txt', 'docs > sub/contract.pdf']);
    expect(values['docs > a.txt']).toBe('first');
    expect(entries[1]?.document).toMatchObject({
      name: 'sub/contract.pdf',
      metadata: { pages: 3 },
    });
    expect(notes).toEqual([
      `${name}/sub/bad.pdf is a damaged PDF (Invalid PDF structure): left out`,
    ]);
  });
});

describe('the same file', () => {
  test('is stored and read once, whatever its name and place', async () => {
    const { store, puts } = watched(memoryStore());
    const first = await readFiles({ a: fixture('contract.pdf') }, { store });
    const before = new Set(puts);
    const second = await readFiles(
      { other: new LocalFiles(join(FIXTURES, '*tract.pdf')) },
      { store },
    );
    expect(second.entries[0]).toEqual({
      ...first.entries[0],
      path: ['other', 'contract.pdf'],
      document: first.entries[0]?.document,
    });
    // Only the two lists of what the run has are new.
    expect(new Set(puts.filter((digest) => !before.has(digest))).size).toBe(2);
  });

  test('gives the same manifest when ingest runs again, and is not read again', async () => {
    const { store, gets } = watched(memoryStore());
    const value = { a: fixture('report.docx'), t: 'plain' };
    const uploaded = digestOf(await readFile(join(FIXTURES, 'report.docx')));
    const first = await readFiles(value, { store });
    gets.length = 0;
    const again = await readFiles(value, { store });
    expect(again.manifest).toBe(first.manifest);
    const text = first.entries[0]?.blob.digest;
    // By this test itself; the file is not opened at all.
    expect(gets.filter((digest) => digest === text)).toHaveLength(1);
    expect(gets.filter((digest) => digest === uploaded)).toEqual([]);
  });

  test('is a value beside plain ones, in the order given', async () => {
    const { entries } = await readFiles({
      z: 'plain',
      a: { b: made('b.txt', 'B'), c: [1] },
      d: 'D',
    });
    expect(entries.map(({ path, document }) => `${path.join('/')} ${document?.name}`)).toEqual([
      'z undefined',
      'a/b b.txt',
      'a/c undefined',
      'd undefined',
    ]);
  });
});
