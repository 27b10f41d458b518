import { describe, expect, test } from '@jest/globals';
import { figure, median } from '../../bench/figure.ts';
import { table } from '../../bench/table.ts';

describe('figure', () => {
  test('holds the median, its ratio to the floor, and whether the promise is kept', () => {
    expect(
      figure({
        name: 'step',
        unit: 'ms',
        runs: [30, 10, 20],
        floor: 8,
        target: { ratioAtMost: 2 },
      }),
    ).toEqual({
      name: 'step',
      value: 20,
      unit: 'ms',
      floor: 8,
      ratio: 2.5,
      target: '<= 2x',
      ok: false,
      runs: [30, 10, 20],
    });
  });

  test('of a rate may promise a part of what the floor says', () => {
    const rate = { name: 'search', unit: 'GB/s', runs: [3], floor: 4 };
    expect(figure({ ...rate, target: { ratioAtLeast: 0.5 } })).toMatchObject({
      ratio: 0.75,
      target: '>= 0.5x',
      ok: true,
    });
    expect(figure({ ...rate, target: { ratioAtLeast: 0.8 } }).ok).toBe(false);
  });

  test.each([
    [{ atMost: 5 }, '<= 5 s', true],
    [{ atMost: 4 }, '<= 4 s', false],
    [{ atLeast: 5 }, '>= 5 s', true],
    [{ ratioAtMost: 9 }, '<= 9x', false],
    [{ ratioAtLeast: 0.1 }, '>= 0.1x', false],
  ])('a target %j without a floor', (target, text, ok) => {
    expect(figure({ name: 'x', unit: 's', runs: [5], target })).toMatchObject({ target: text, ok });
  });

  test('without a target promises nothing, and without a sample is refused', () => {
    expect(figure({ name: 'x', unit: 's', runs: [1, 2] })).toMatchObject({
      value: 1.5,
      target: null,
      ok: null,
    });
    expect(() => median([])).toThrow('A figure needs a sample.');
  });
});

test('table aligns its columns and shows a missed target in capitals', () => {
  const figures = [
    figure({ name: 'a', unit: 'ms', runs: [1234.5], target: { atMost: 1 } }),
    figure({ name: 'longer name', unit: 's', runs: [0.12345], floor: 0.1 }),
  ];
  expect(table(figures)).toBe(
    [
      'figure       median   floor  ratio  target   ok  samples',
      'a            1235 ms                <= 1 ms  NO  1',
      'longer name  0.123 s  0.1 s  1.23x               1',
    ].join('\n'),
  );
});
