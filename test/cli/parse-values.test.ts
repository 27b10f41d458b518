import { describe, expect, test } from '@jest/globals';
import { dollars, duration, wholeNumber } from '../../cli/parse-values.ts';

describe('options that are numbers', () => {
  test.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['1h', 3_600_000],
    ['2d', 172_800_000],
  ])('%s is a time', (text, ms) => {
    expect(duration(text)).toBe(ms);
  });

  test.each(['', '1', '1 h', '0s', '-1h', '1.5h', '1w'])('"%s" is no time', (text) => {
    expect(() => duration(text)).toThrow('Expected a time like 90s, 15m, 1h or 2d.');
  });

  test.each(['', ' ', 'x', '-1', 'Infinity', 'NaN'])('"%s" is no amount', (text) => {
    expect(() => dollars(text)).toThrow('Expected an amount in US dollars, for instance 2.50.');
  });

  test.each(['', '0', '501', '1.5', '1e2', '-3'])('"%s" is not from 1 to 500', (text) => {
    expect(() => wholeNumber(1, 500)(text)).toThrow('Expected a whole number from 1 to 500.');
  });

  test('accepts what it should', () => {
    expect([dollars('2.50'), dollars('0'), wholeNumber(1, 500)('500')]).toEqual([2.5, 0, 500]);
    expect(() => wholeNumber(1)('0')).toThrow('Expected a whole number of at least 1.');
  });
});
