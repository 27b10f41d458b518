import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { splitText } from '../../documents/formats/split-text.ts';
import { textWidth } from '../../documents/formats/text-width.ts';
import { measured } from '../../documents/measure-leaf.ts';

// Scope: how a text is measured for the heap, and cut when it needs more than one byte a character.

describe('the width of a text', () => {
  test.each([
    ['plain', 1, null],
    ['naïve ÿ', 1, null],
    ['aĀ', 2, { character: 'Ā', at: 1 }],
    ['ab€ and ☃', 2, { character: '€', at: 2 }],
    ['é€ \u{1F600}\u{1F601}', 4, { character: '\u{1F600}', at: 3 }],
  ])('%j takes %d bytes a character', (text, width, widest) => {
    expect(textWidth(Buffer.from(text))).toEqual({ chars: Array.from(text).length, width, widest });
  });

  test('is that of its widest character, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (raw) => {
        const text = raw.toWellFormed();
        const points = Array.from(text).map((character) => character.codePointAt(0) ?? 0);
        const most = Math.max(0, ...points);
        expect(textWidth(Buffer.from(text))).toMatchObject({
          chars: points.length,
          width: most < 256 ? 1 : most < 65536 ? 2 : 4,
        });
      }),
    );
  });
});

describe('parts of a text', () => {
  const paragraph = fc
    .array(fc.constantFrom('a', 'é', '€', '\u{1F600}', ' ', '\n', '\n\n', '\n \n'), {
      minLength: 1,
      maxLength: 40,
    })
    .map((pieces) => pieces.join(''));

  test('are the text, each below the limit in UTF-8 and in the heap, cut at lines when there are any', () => {
    fc.assert(
      fc.property(
        fc.array(paragraph, { maxLength: 20 }),
        fc.integer({ min: 16, max: 200 }),
        (texts, limit) => {
          const text = texts.join('\n\n');
          const utf8 = Buffer.from(text);
          const parts = splitText(utf8, limit);
          const found = parts.map(({ start, end }) => utf8.toString('utf8', start, end));
          expect(found.join('')).toBe(text);
          let chars = 0;
          for (const [index, part] of parts.entries()) {
            const one = found[index] ?? '';
            const { chars: own, width } = textWidth(Buffer.from(one));
            expect([part.firstChar, part.chars]).toEqual([chars, own]);
            expect(own * width).toBeLessThanOrEqual(limit);
            expect(part.end - part.start).toBeLessThanOrEqual(limit);
            if (index < parts.length - 1 && one.includes('\n'))
              expect(one.endsWith('\n')).toBe(true);
            chars += own;
          }
        },
      ),
    );
  });

  test('end at the last paragraph that fits, and only wide stretches are wide', () => {
    const text = `${'a'.repeat(20)}\n\n${'b'.repeat(20)}\nb\n\n${'€'.repeat(10)}\n\n${'c'.repeat(30)}`;
    const utf8 = Buffer.from(text);
    expect(splitText(utf8, 50).map(({ start, end }) => utf8.toString('utf8', start, end))).toEqual([
      `${'a'.repeat(20)}\n\n${'b'.repeat(20)}\nb\n\n`,
      `${'€'.repeat(10)}\n\n`,
      'c'.repeat(30),
    ]);
  });
});

describe('a document', () => {
  function leaf(text: string, pages?: [number, number][]): Parameters<typeof measured>[0] {
    return {
      path: [],
      format: 'text',
      bytes: Buffer.from(text),
      metadata: {},
      ...(pages && { pages }),
    };
  }

  test('of one byte a character is never cut', () => {
    expect(measured(leaf('é\n\n'.repeat(100)), 50)).toMatchObject([{ part: null, chars: 300 }]);
  });

  test('of wide characters is cut when it is large, and its pages with it', () => {
    const page = '日本 text.\n\n';
    const text = page.repeat(4);
    const size = Array.from(page).length;
    const pages = [0, 1, 2, 3].map((i): [number, number] => [i * size, (i + 1) * size]);
    const parts = measured(leaf(text, pages), 2 * 2 * size + 8);
    expect(
      parts.map(({ part, firstPage, leaf: { pages: own } }) => [part, firstPage, own]),
    ).toEqual([
      [
        0,
        1,
        [
          [0, size],
          [size, 2 * size],
        ],
      ],
      [
        1,
        3,
        [
          [0, size],
          [size, 2 * size],
        ],
      ],
    ]);
    expect(parts.map((part) => Buffer.from(part.leaf.bytes).toString()).join('')).toBe(text);
  });
});
