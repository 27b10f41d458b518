import { describe, expect, test } from '@jest/globals';
import { check, CONTRACT, INPUTS } from './checked-citations.ts';

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
