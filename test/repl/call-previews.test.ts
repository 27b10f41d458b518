import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { caps } from '../../protocol/index.ts';
import { previewsOf } from '../../repl/call-previews.ts';

describe('previews of a round', () => {
  test('show a short prompt whole, in one line', () => {
    expect(previewsOf(['What is\n  this?'])).toEqual(['What is this?']);
  });

  test('leave out an instruction that all prompts begin with, at a word', () => {
    const task = 'List the duties in the section below.\n\n';
    expect(previewsOf([`${task}SECTION 12. MIT`, `${task}SECTION 17. Zlib`])).toEqual([
      '…12. MIT',
      '…17. Zlib',
    ]);
  });

  test('keep a short common beginning', () => {
    expect(previewsOf(['Section 1', 'Section 2'])).toEqual(['Section 1', 'Section 2']);
  });

  test('keep equal prompts, as for a vote', () => {
    const prompt = 'Is this an indemnity? Yes or no.';
    expect(previewsOf([prompt, prompt])).toEqual([prompt, prompt]);
  });

  test('fit their cap, whatever the prompts', () => {
    const prompts = fc.array(fc.string({ unit: 'binary', maxLength: 120 }), { maxLength: 5 });
    fc.assert(
      fc.property(prompts, fc.string({ maxLength: 40 }), (tails, head) => {
        for (const line of previewsOf(tails.map((tail) => head + tail))) {
          expect(line.length).toBeLessThanOrEqual(caps.CALL_PREVIEW_CHARS + 1);
        }
      }),
    );
  });
});
