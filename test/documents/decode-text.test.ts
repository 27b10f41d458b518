import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { decodeText } from '../../documents/formats/decode-text.ts';

function utf16be(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

describe('a text', () => {
  test.each([
    ['UTF-8', Buffer.from('naïve 🎉'), 'utf-8', false],
    ['UTF-8 with a byte order mark', Buffer.from('\ufeffnaïve 🎉'), 'utf-8', false],
    ['UTF-16 LE with a mark', Buffer.from('\ufeffnaïve 🎉', 'utf16le'), 'utf-16le', false],
    ['UTF-16 BE with a mark', utf16be('\ufeffnaïve 🎉'), 'utf-16be', false],
    ['UTF-16 LE without a mark', Buffer.from('naïve 🎉', 'utf16le'), 'utf-16le', true],
    ['UTF-16 BE without a mark', utf16be('naïve 🎉'), 'utf-16be', true],
  ])('in %s is decoded', (_, bytes, encoding, guessed) => {
    expect(decodeText(bytes)).toEqual({ utf8: Buffer.from('naïve 🎉'), encoding, guessed });
  });

  test.each(['§ 4 naïve', 'naïve', 'Zoë & Søn', 'coûte 3 £', '¿Qué?', 'x'.repeat(5000) + 'é'])(
    'of Western letters is windows-1252 unless it is UTF-8: %#',
    (text) => {
      expect(decodeText(Buffer.from(text, 'latin1'))).toEqual({
        utf8: Buffer.from(text),
        encoding: 'windows-1252',
        guessed: true,
      });
    },
  );

  test('that says its encoding itself is decoded in it', () => {
    expect(decodeText(Buffer.from([0xb1, 0xe6]), 'ISO-8859-2')).toEqual({
      utf8: Buffer.from('ąć'),
      encoding: 'iso-8859-2',
      guessed: false,
    });
  });

  test('longer than what is decoded at once is whole, also where a character is cut', () => {
    const text = `\ufeff${'日本\u{1F600}'.repeat(3_000_000)}`;
    const decoded = decodeText(Buffer.from(text, 'utf16le'));
    expect('utf8' in decoded && decoded.utf8.equals(Buffer.from(text.slice(1)))).toBe(true);
  });

  test('of any content is read back from UTF-8, from UTF-16, line ends and all', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'));
    fc.assert(
      fc.property(text, (value) => {
        const written = `Title: ${value}\r\n\f`.toWellFormed();
        const utf8 = Buffer.from(written);
        expect(decodeText(utf8)).toMatchObject({ utf8 });
        expect(decodeText(Buffer.from(`\ufeff${written}`, 'utf16le'))).toMatchObject({ utf8 });
      }),
    );
  });
});

describe('what is no text says what it is', () => {
  test.each([
    ['abc\0def\0\0', 'binary data'],
    ['\x01\x02\x03\xff\xfe\xe9', 'binary data'],
    ['\xff\xfe\0\0a\0\0\0', 'UTF-32 text'],
    ['\xff\xfea', 'damaged UTF-16LE'],
    ['\xef\xbb\xbfab\xff', 'damaged UTF-8'],
  ])('%j: %s', (content, binary) => {
    expect(decodeText(Buffer.from(content, 'latin1'))).toEqual({ binary });
  });
});
