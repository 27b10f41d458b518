import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeHeader } from '../../repl/image/image-format.ts';
import { type Extent, ExtentSet } from '../../repl/image/extents.ts';
import { imageReferences, type Repl } from '../../repl/index.ts';
import { memoryStore, openTestRepl, Session } from './support/session.ts';

describe('ExtentSet', () => {
  test('agrees with a map of pages, whatever is placed and overwritten', () => {
    const operation = fc.record({
      add: fc.boolean(),
      page: fc.integer({ min: 0, max: 40 }),
      pages: fc.integer({ min: 1, max: 12 }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 30 }), (operations) => {
        const set = new ExtentSet();
        const model = new Map<number, { blob: string; offset: number; born: number }>();
        operations.forEach(({ add, page, pages }, step) => {
          const blob = `sha256:${String(step).padStart(64, '0')}`;
          if (add) set.add({ page, pages, blob, offset: 100 }, step);
          else set.cut(page, pages);
          for (let i = 0; i < pages; i++) {
            if (add) model.set(page + i, { blob, offset: 100 + 4096 * i, born: step });
            else model.delete(page + i);
          }
        });
        const half = Math.floor(operations.length / 2);
        for (const after of [-1, half]) {
          expect(pagesOf(set.bornAfter(after))).toEqual(
            [...model]
              .filter(([, { born }]) => born > after)
              .toSorted(([a], [b]) => a - b)
              .map(([page, { blob, offset }]) => [page, blob, offset]),
          );
        }
        for (let page = 0; page < 60; page++) expect(set.has(page)).toBe(model.has(page));
      }),
      { numRuns: 300 },
    );
  });
});

function pagesOf(extents: Extent[]): unknown[] {
  return extents.flatMap(({ page, pages, blob, offset }) =>
    Array.from({ length: pages }, (_, i) => [page + i, blob, offset + 4096 * i]),
  );
}

describe('a large text', () => {
  const store = memoryStore();
  let here: Repl;
  let elsewhere: Repl;
  beforeAll(async () => {
    [here, elsewhere] = await Promise.all([openTestRepl(store), openTestRepl(store)]);
  });
  afterAll(async () => {
    await Promise.all([here.dispose(), elsewhere.dispose()]);
  });

  const line = 'The supplier shall indemnify the customer, clause ';
  const large = (end: string): Buffer =>
    Buffer.from(Array.from({ length: 60_000 }, (_, i) => `${line}${i * i}.\n`).join('') + end);

  test.each([
    ['of ASCII', 'plain', 1],
    ['of Latin-1', 'é', 1],
    ['with a character of two bytes', '→', 2],
    ['with a character of four bytes', '\u{1F600}', 4],
  ])('%s is not stored again, and comes back in another kernel', async (_, end, width) => {
    const session = new Session(here, store, `large ${end}`);
    const text = large(end);
    const blob = await store.blobs.put(text);
    const opened = await session.run('', {
      edits: [{ kind: 'set', variable: 'input_data', format: 'text', blob: blob.digest }],
    });
    const { header } = decodeHeader(await store.blobs.get(opened.image.blob));
    const covered = header.extents.reduce((sum, { pages }) => sum + pages * 4096, 0);
    expect(covered).toBeGreaterThan((text.length - 20) * width - 3 * 4096);
    expect(opened.image.storedBytes).toBeLessThan(40_000);
    expect(imageReferences(await store.blobs.get(opened.image.blob))).toEqual([blob.digest]);

    // Through a chain that is folded, with parts of the text's place used again.
    for (let i = 0; i < 10; i++) await session.run(`n = len(input_data) + ${i}`);
    const other = new Session(elsewhere, store, 'elsewhere');
    other.image = session.image;
    const check = 'import hashlib; hashlib.sha256(input_data.encode()).hexdigest()[:16], n';
    expect((await other.run(check)).value).toBe((await session.run(check)).value);
  });

  test('that is deleted leaves no trace in later images', async () => {
    const session = new Session(here, store, 'deleted');
    const blob = await store.blobs.put(large('gone'));
    await session.run('', {
      edits: [{ kind: 'set', variable: 'input_data', format: 'text', blob: blob.digest }],
    });
    const before = session.image;
    const { image } = await session.run('del input_data, context');
    expect(image.storedBytes).toBeLessThan(40_000);
    const other = new Session(elsewhere, store, 'deleted elsewhere');
    other.image = image;
    expect((await other.run('"input_data" in globals()')).value).toBe('False');
    // The older image still has it.
    const older = new Session(elsewhere, store, 'older elsewhere');
    older.image = before;
    expect((await older.run('input_data[-4:]')).value).toBe("'gone'");
  });

  test('freed memory is not stored', async () => {
    const session = new Session(here, store, 'freed');
    await session.run('import os');
    const { image } = await session.run('x = os.urandom(20_000_000).hex()\ndel x');
    expect(image.storedBytes).toBeLessThan(100_000);
  });
});
