import { describe, expect, test } from '@jest/globals';
import { buildCompendium } from '../../examples/demo/compendium.ts';
import { indemnitySentences, occursIn } from '../../examples/support/extract.ts';

describe('indemnitySentences', () => {
  test('takes whole sentences, word for word', () => {
    const text =
      'You pay. You agree to INDEMNIFY\n   Acme Inc. for all losses; However, not\nfor others.\n\nf) Requiring indemnification of authors';
    expect(indemnitySentences(text)).toEqual([
      'You agree to INDEMNIFY\n   Acme Inc. for all losses;',
      'f) Requiring indemnification of authors',
    ]);
  });

  test('finds something in exactly the sections that speak of indemnity, and only their own words', () => {
    for (const { text } of buildCompendium().sections) {
      const found = indemnitySentences(text);
      expect(found.length > 0).toBe(/indemnif/i.test(text));
      for (const sentence of found) {
        expect(text).toContain(sentence);
        expect(sentence).toMatch(/indemnif/i);
      }
    }
  });
});

describe('occursIn', () => {
  test.each<[string, string, boolean]>([
    ['one two', 'zero one\n   two three', true],
    ['one  two', 'one two', true],
    ['one two …', 'one two three', false],
    ['One two', 'one two', false],
    ['', 'anything', false],
    ['  ', 'anything', false],
  ])('%j in %j → %s', (claim, text, expected) => {
    expect(occursIn(claim, text)).toBe(expected);
  });
});
