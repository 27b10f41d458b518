import { describe, expect, test } from '@jest/globals';
import { checkCitations } from '../../documents/index.ts';
import {
  type Citation,
  CitationReport,
  type CitationCheck,
  type CheckedCitation,
  type ManifestEntry,
} from '../../protocol/index.ts';
import { getJson, memoryStore, putJson, putText, type Store } from '../../store/index.ts';

const CONTRACT =
  'SERVICE AGREEMENT\n\n1. Fees\nThe Client pays “EUR 10” a day.\n\n2. Term — one\n  year, then “EUR 10” again.\n';

interface Given {
  path: string[];
  value: unknown;
  document?: ManifestEntry['document'];
  part?: number;
}

async function manifestOf(store: Store, inputs: Given[]): Promise<string> {
  const entries = await Promise.all(
    inputs.map(async ({ path, value, document, part }): Promise<ManifestEntry> => {
      const isText = typeof value === 'string';
      const { digest, sizeBytes, chars } = await putText(
        store,
        isText ? value : JSON.stringify(value),
      );
      const format = isText ? 'text' : 'json';
      return {
        path,
        format,
        blob: { digest, sizeBytes },
        chars,
        ...(document && { document }),
        ...(part === undefined ? {} : { part }),
      };
    }),
  );
  return (await putJson(store, { entries })).digest;
}

async function check(
  inputs: Given[] | Given[][],
  cited: Partial<Citation>[],
  options: Parameters<typeof checkCitations>[2] & { omitted?: number } = {},
): Promise<CitationCheck & { citations: CheckedCitation[] }> {
  const store = memoryStore();
  const lists = Array.isArray(inputs[0]) ? (inputs as Given[][]) : [inputs as Given[]];
  const manifests = await Promise.all(lists.map((list) => manifestOf(store, list)));
  const nothing = { input: null, quote: null, start: null, end: null, part: null };
  const citations = cited.map((citation) => ({ ...nothing, ...citation }));
  const { omitted = 0, ...rest } = options;
  const blob = await putText(store, JSON.stringify({ citations, omitted }));
  const result = await checkCitations(store, { citations: blob, manifests }, rest);
  const report = await getJson(store, result.report, CitationReport);
  return { ...result, citations: report.citations };
}

const INPUTS: Given[] = [
  { path: ['contract'], value: CONTRACT },
  { path: ['prior', 'a/old.txt'], value: 'Nothing is due. Ünïcode: 語語 here.' },
];

describe('a citation', () => {
  test('that stands in the input is verified, with the place where it stands', async () => {
    const { total, verified, problems, citations } = await check(INPUTS, [
      { input: 'contract', quote: 'The Client pays' },
      { input: 'prior/a/old.txt', quote: '語語 here' },
    ]);
    expect([total, verified, problems]).toEqual([2, 2, []]);
    const start = CONTRACT.indexOf('The Client');
    expect(citations).toEqual([
      { input: 'contract', quote: 'The Client pays', verified: true, start, end: start + 15 },
      { input: 'prior/a/old.txt', quote: '語語 here', verified: true, start: 25, end: 32 },
    ]);
  });

  test('is taken where its offsets say when it stands there too, else where it stands first', async () => {
    const second = CONTRACT.lastIndexOf('“EUR 10”');
    const { citations } = await check(INPUTS, [
      { input: 'contract', quote: '“EUR 10”', start: second, end: second + 8 },
      { input: 'contract', quote: '“EUR 10”', start: 3, end: 11 },
    ]);
    expect(citations.map(({ start }) => start)).toEqual([second, CONTRACT.indexOf('“EUR 10”')]);
  });

  test('may differ in white space, quotation marks and dashes, and is told as it stands', async () => {
    const { citations } = await check(INPUTS, [
      { input: 'contract', quote: '2. Term - one year, then "EUR 10" again.' },
    ]);
    expect(citations[0]).toMatchObject({
      verified: true,
      quote: '2. Term — one\n  year, then “EUR 10” again.',
    });
  });

  test('of offsets alone is the words that stand there', async () => {
    const { citations, problems } = await check(INPUTS, [
      { input: 'contract', start: 0, end: 7 },
      { input: 'contract', start: 5, end: 100_000 },
      { input: 'contract', start: 7, end: 7 },
    ]);
    expect(citations[0]).toMatchObject({ verified: true, quote: 'SERVICE', start: 0, end: 7 });
    expect(problems).toEqual([
      'Citation 2: there are no such offsets in "contract".',
      'Citation 3: there are no such offsets in "contract".',
    ]);
  });

  test('that does not occur is told, with the input that it does stand in', async () => {
    const { verified, problems, citations } = await check(INPUTS, [
      { input: 'contract', quote: 'The Client never pays' },
      { input: 'contract', quote: 'Nothing is due.' },
      { input: 'kontrakt', quote: 'SERVICE AGREEMENT' },
      { quote: 'Made up.' },
      { input: 'contract', quote: 'service agreement' },
    ]);
    expect(verified).toBe(0);
    expect(problems).toEqual([
      'Citation 1 ("The Client never pays"): these words do not stand in "contract".',
      'Citation 2 ("Nothing is due."): these words do not stand in "contract"; the words stand in "prior/a/old.txt".',
      'Citation 3 ("SERVICE AGREEMENT"): there is no input "kontrakt"; the words stand in "contract" (the inputs are "contract", "prior/a/old.txt").',
      'Citation 4 ("Made up."): these words do not stand in any input.',
      'Citation 5 ("service agreement"): these words do not stand in "contract".',
    ]);
    expect(citations[0]).toEqual({
      input: 'contract',
      quote: 'The Client never pays',
      verified: false,
      problem: 'these words do not stand in "contract".',
    });
  });

  test.each([
    ['old.txt'],
    ['a/old.txt'],
    ['prior'],
    ['input_data["prior"]["a/old.txt"]'],
    ["context['prior']"],
    ['input_data'],
    [null],
  ])('names its input as %s', async (input) => {
    const { citations } = await check(INPUTS, [{ input, quote: 'Nothing is due.' }]);
    expect(citations[0]).toMatchObject({ verified: true, input: 'prior/a/old.txt' });
  });

  test('has the page of a document, which may be named as it calls itself', async () => {
    const document = {
      name: 'scans/c.pdf',
      pages: [[0, 6] as [number, number], [6, 12] as [number, number]],
    };
    const { citations } = await check(
      [{ path: [], value: 'page 1page 2', document }],
      [
        { input: 'c.pdf', quote: 'page 2' },
        { input: 'scans/c.pdf', quote: 'page 1' },
      ],
    );
    expect(citations.map(({ input, page }) => [input, page])).toEqual([
      ['scans/c.pdf', 2],
      ['scans/c.pdf', 1],
    ]);
  });

  test('of a text in parts has the part that it stands in, the one that it names first', async () => {
    const pages: [number, number][] = [[0, 20]];
    const parts = [
      { path: ['big'], value: 'Both. First.', part: 0, document: { name: 'b.pdf', pages } },
      {
        path: ['big'],
        value: 'Second. Both.',
        part: 1,
        document: { name: 'b.pdf', pages, firstPage: 7 },
      },
    ];
    const { citations } = await check(parts, [
      { input: 'big', quote: 'Both.' },
      { input: 'b.pdf', quote: 'Both.', start: 8, end: 13, part: 1 },
      { input: 'big', quote: 'First.', part: 1 },
      { input: 'big', quote: 'Second.' },
    ]);
    expect(citations.map(({ part, start, page }) => [part, start, page])).toEqual([
      [0, 0, 1],
      [1, 8, 7],
      [0, 6, 1],
      [1, 0, 7],
    ]);
  });

  test.each([
    ['rows[1]/title', true],
    ['rows[1]', true],
    ['[1]', true],
    ['title', true],
    ['rows', true],
    ['input_data["rows"][1]["title"]', true],
    [null, true],
    ['rows[0]', false],
    ['rows[1]/other', false],
  ])('of a text in a table names it as %s: %s', async (input, isVerified) => {
    const rows = [{ title: 'One' }, { title: 'Lease — of land', other: 3 }];
    const { citations } = await check(
      [{ path: ['rows'], value: rows }],
      [{ input, quote: 'Lease - of' }],
    );
    expect(citations[0]?.verified).toBe(isVerified);
    if (isVerified)
      expect(citations[0]).toMatchObject({ input: 'rows[1]/title', start: 0, end: 10 });
  });

  test('of a fork stands in the inputs of the run before, too; of equal names the newer one counts', async () => {
    const lists = [
      [{ path: ['b'], value: 'New words.' }],
      [...INPUTS, { path: ['b'], value: 'Old words.' }],
    ];
    const { citations } = await check(lists, [
      { input: 'contract', quote: '1. Fees' },
      { input: 'b', quote: 'New words.' },
      { input: 'b', quote: 'Old words.' },
    ]);
    expect(citations.map(({ verified }) => verified)).toEqual([true, true, false]);
  });
});

describe('a list of citations', () => {
  test('that holds what is none is told so', async () => {
    const { total, verified, problems } = await check(
      INPUTS,
      [{ problem: '17' }, { quote: ' \n' }, { quote: '😀'.repeat(20_001) }],
      { omitted: 4 },
    );
    expect([total, verified]).toEqual([7, 0]);
    expect(problems).toEqual([
      'Citation 1: 17 is no citation: that is a Passage, or a dict {"input": name, "quote": words}.',
      'Citation 2 (" \\n"): its quote is blank.',
      expect.stringMatching(
        /: it is longer than 20,000 characters: cite the sentences that count\.$/,
      ),
      '4 more citations were not looked up: at most 200, of at most 1,000,000 characters together, are.',
    ]);
  });

  test('that was forged is a problem of the answer, not an error', async () => {
    const store = memoryStore();
    const manifests = [await manifestOf(store, INPUTS)];
    for (const forged of ['', '{"citations": [{}]}', '[', '{"citations": [], "omitted": -1}']) {
      const citations = await putText(store, forged);
      expect(await checkCitations(store, { citations, manifests })).toMatchObject({
        total: 1,
        verified: 0,
        problems: [expect.stringMatching(/^Citation 1: what cannot be read is no citation/)],
      });
    }
  });

  test('of any badness stays within what a history takes', async () => {
    const bad = Array.from({ length: 200 }, () => ({
      input: '\ud800'.repeat(4000),
      quote: '"\\'.repeat(2000),
    }));
    const result = await check(INPUTS, bad);
    const { citations: _, ...kept } = result;
    expect(kept.problems).toHaveLength(20);
    expect(JSON.stringify(kept).length).toBeLessThan(16_000);
  });

  test('is looked up twice with the same report', async () => {
    const cited = [{ quote: 'Nothing is due.' }, { quote: 'no' }];
    expect(await check(INPUTS, cited)).toEqual(await check(INPUTS, cited));
  });

  test('whose words take for ever to be looked for is not waited for, and the worker goes on', async () => {
    const text = 'a '.repeat(2_000_000);
    let ticks = 0;
    const timer = setInterval(() => (ticks += 1), 20);
    const { problems } = await check(
      [{ path: ['x'], value: text }, ...INPUTS],
      [
        { input: 'x', quote: `${'a '.repeat(9_000)}b` },
        { input: 'contract', quote: '1. Fees' },
      ],
      { limitMs: 1500 },
    );
    clearInterval(timer);
    expect(problems).toEqual([
      expect.stringMatching(/^Citation 1 \("a a .*…"\): it could not be looked up in time\.$/),
    ]);
    expect(ticks).toBeGreaterThan(10);
  });

  test('in a text of 40 MB is looked up in a thread', async () => {
    const text = `${'Lorem ipsum dölor. '.repeat(2_000_000)}The “end”.`;
    const { citations } = await check(
      [{ path: ['x'], value: text }],
      [{ quote: 'The "end".' }, { quote: 'The “end”.', start: 38_000_000, end: 38_000_010 }],
    );
    const place = {
      input: 'x',
      quote: 'The “end”.',
      verified: true,
      start: 38_000_000,
      end: 38_000_010,
    };
    expect(citations).toEqual([place, place]);
  });

  test('gives up at once when it is cancelled', async () => {
    const signal = AbortSignal.abort(new Error('cancelled'));
    await expect(check(INPUTS, [{ quote: 'x' }], { signal })).rejects.toThrow('cancelled');
  });
});
