import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { affordedOutput, leastCost, type ModelCard, mostCost } from '../../protocol/index.ts';

const CARD: ModelCard = {
  name: 'm',
  model: 'm',
  contextTokens: 100_000,
  maxOutputTokens: 10_000,
  prices: { inputUsdPerMTok: 1, cachedInputUsdPerMTok: 0.1, outputUsdPerMTok: 10 },
  timeoutMs: 1000,
  taskQueue: 'q',
  standIn: false,
};

describe('the output that an allowance pays for', () => {
  test('is the rest after the prompt, at most the model’s own limit', () => {
    // 50,000 tokens of prompt are $0.05, 5,000 of output as much.
    expect(affordedOutput(CARD, 50_000, { costUsd: 0.1, tokens: null })).toBe(5000);
    expect(affordedOutput(CARD, 50_000, { costUsd: 9, tokens: null })).toBe(10_000);
    expect(affordedOutput(CARD, 50_000, { costUsd: 9, tokens: 53_000 })).toBe(3000);
  });

  test('is none when it would be too little to be worth asking', () => {
    expect(affordedOutput(CARD, 50_000, { costUsd: 0.07, tokens: null })).toBeNull();
    expect(affordedOutput(CARD, 50_000, { costUsd: 9, tokens: 51_000 })).toBeNull();
    expect(leastCost(CARD, 50_000)).toEqual({ costUsd: 0.07048, tokens: 52_048 });
  });

  test('of a model without prices is limited by tokens alone', () => {
    const free = { ...CARD, prices: null };
    expect(affordedOutput(free, 50_000, { costUsd: 0, tokens: null })).toBe(10_000);
    expect(affordedOutput(free, 50_000, { costUsd: 0, tokens: 54_000 })).toBe(4000);
  });

  test('never costs more than the allowance, and is there for all that grant the least cost', () => {
    const money = fc.double({ min: 0, max: 5, noNaN: true });
    const count = fc.integer({ min: 0, max: 200_000 });
    fc.assert(
      fc.property(money, count, fc.option(count), (costUsd, prompt, tokens) => {
        const output = affordedOutput(CARD, prompt, { costUsd, tokens });
        const least = leastCost(CARD, prompt);
        const isEnough = costUsd >= least.costUsd && (tokens === null || tokens >= least.tokens);
        expect(output !== null).toBe(isEnough);
        if (output === null) return;
        const most = mostCost(CARD, prompt, output);
        expect(most.costUsd).toBeLessThanOrEqual(costUsd + 1e-9);
        expect(most.tokens).toBeLessThanOrEqual(tokens ?? Infinity);
      }),
    );
  });
});
