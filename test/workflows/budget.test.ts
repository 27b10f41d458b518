import { describe, expect, test } from '@jest/globals';
import { NO_USAGE, type Spend } from '../../protocol/index.ts';
import { exhausted, reachedLimit } from '../../workflows/budget.ts';
import { freshState } from './states.ts';

function spent(changes: Partial<Spend['usage']>, calls = 0): Spend {
  return { turns: 0, calls, computeMs: 0, usage: { ...NO_USAGE, ...changes } };
}

describe('a budget', () => {
  const { budget } = freshState().resolved;

  test('says which limit is used up, and how', () => {
    expect(exhausted({ ...budget, calls: 3 }, spent({}, 3))).toBe('all 3 sub-calls are used');
    expect(exhausted(budget, spent({ costUsd: 1.5 }))).toBe('$1.50 of $1.00 is spent');
    expect(exhausted({ ...budget, tokens: 10 }, spent({ inputTokens: 6, outputTokens: 4 }))).toBe(
      '10 of 10 tokens are used',
    );
    expect(exhausted(budget, spent({ costUsd: 0.99 }, 999))).toBeNull();
  });

  test('of no calls allows none', () => {
    expect(exhausted({ ...budget, calls: 0 }, spent({}))).toBe('all 0 sub-calls are used');
  });

  test('of no money stops a model without prices at nothing', () => {
    expect(exhausted({ ...budget, costUsd: 0 }, spent({ inputTokens: 5 }))).toBeNull();
  });
});

describe('the limits of a run', () => {
  test('used-up sub-calls do not end it: the model can still conclude', () => {
    const state = { ...freshState(), spend: spent({}, 5000) };
    expect(reachedLimit(state, 0)).toBeNull();
  });

  test('turns, money and time do', () => {
    expect(reachedLimit({ ...freshState(), turn: 30 }, 0)).toBe('turns');
    expect(reachedLimit({ ...freshState(), spend: spent({ costUsd: 2 }) }, 0)).toBe('budget');
    const timed = freshState();
    timed.resolved.budget.wallClockMs = 1000;
    expect(reachedLimit(timed, 999)).toBeNull();
    expect(reachedLimit(timed, 1000)).toBe('wallClock');
  });
});
