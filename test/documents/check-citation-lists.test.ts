import { describe, expect, test } from '@jest/globals';
import { checkCitations } from '../../documents/index.ts';
import { memoryStore, putText } from '../../store/index.ts';
import { check, INPUTS, manifestOf } from './checked-citations.ts';

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
