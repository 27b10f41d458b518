import { describe, expect, test } from '@jest/globals';
import { KINDS, planOf } from './plan.ts';
import { randomOf } from './random.ts';
import { scenarioOf } from './scenario.ts';

describe('a plan', () => {
  test('follows from its seed', () => {
    expect(planOf('a', 20)).toEqual(planOf('a', 20));
    expect(planOf('a', 20)).not.toEqual(planOf('b', 20));
    expect(scenarioOf('a')).toEqual(scenarioOf('a'));
    expect(scenarioOf('a').cells).not.toEqual(scenarioOf('b').cells);
  });

  test('has every kind before one comes again, in the order of its moments', () => {
    const plan = planOf('c', 2 * KINDS.length);
    const kinds = plan.map(({ kind }) => kind);
    expect(new Set(kinds.slice(0, KINDS.length))).toEqual(new Set(KINDS));
    expect(new Set(kinds.slice(KINDS.length))).toEqual(new Set(KINDS));
    const moments = plan.map(({ after }) => after);
    expect(moments).toEqual(moments.toSorted((a, b) => a - b));
  });
});

test('random numbers are in their range, and their ends come up', () => {
  const random = randomOf('range');
  const drawn = new Set(Array.from({ length: 200 }, () => random.integer(-2, 2)));
  expect([...drawn].toSorted((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
});
