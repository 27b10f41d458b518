import { describe, expect, test } from '@jest/globals';
import { countTokens } from '../../models/count-tokens.ts';
import { fitContext } from '../../models/prompt-size.ts';
import type { ModelCard } from '../../protocol/index.ts';

const CARD: ModelCard = {
  name: 'gpt-4o',
  model: 'gpt-4o',
  contextTokens: 8000,
  maxOutputTokens: 4000,
  prices: null,
  timeoutMs: 1000,
  taskQueue: 'q',
  standIn: false,
};
const SENTENCE = 'The supplier shall indemnify the customer against all losses. ';
const TOKENS_A_SENTENCE = 11;

const say = (sentences: number) => [{ role: 'user' as const, content: SENTENCE.repeat(sentences) }];

describe('countTokens', () => {
  test.each<[string, string, number]>([
    ['nothing', '', 0],
    ['a sentence', SENTENCE.trim(), TOKENS_A_SENTENCE],
    ['what looks like a mark', '<|endoftext|>', 7],
  ])('counts %s', async (_, text, tokens) => {
    expect(await countTokens(text)).toBe(tokens);
  });

  test.each<[string, string, number]>([
    ['a long text', SENTENCE.repeat(5_000), 5_000 * TOKENS_A_SENTENCE],
    ['a text that is sampled', SENTENCE.repeat(50_000), 50_000 * TOKENS_A_SENTENCE],
  ])('is near for %s', async (_, text, tokens) => {
    const counted = await countTokens(text);
    expect(counted / tokens).toBeGreaterThan(0.97);
    expect(counted / tokens).toBeLessThan(1.06);
  });

  test('one word of a million letters takes no time that grows with its square', async () => {
    const started = performance.now();
    expect(await countTokens('漢字かな'.repeat(250_000))).toBeGreaterThan(100_000);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe('fitContext', () => {
  test('a prompt whose bytes fit beside the output limit is sent as it is', async () => {
    expect(await fitContext(CARD, say(10))).toBe(CARD);
  });

  test('one that fits by its tokens keeps the output limit too', async () => {
    expect((await fitContext(CARD, say(150))).maxOutputTokens).toBe(4000);
  });

  test('one that leaves less room than the output limit gets less', async () => {
    const { maxOutputTokens } = await fitContext(CARD, say(500));
    expect(maxOutputTokens).toBeGreaterThan(2200);
    expect(maxOutputTokens + 500 * TOKENS_A_SENTENCE).toBeLessThanOrEqual(8000);
  });

  test('one that does not fit is refused with the limit', async () => {
    await expect(fitContext(CARD, say(800))).rejects.toMatchObject({
      failure: {
        type: 'Model.Rejected',
        retryable: false,
        message: expect.stringMatching(
          /^The prompt has 49,600 characters, about 8,\d{3} tokens, and gpt-4o takes 8,000 tokens: split it, about 16,000 characters a call\.$/,
        ),
      },
    });
  });

  test('the tokeniser of another family may pack tighter: only what surely does not fit is refused', async () => {
    const other = { ...CARD, model: 'vendor/other' };
    expect((await fitContext(other, say(800))).maxOutputTokens).toBe(2000);
    await expect(fitContext(other, say(1100))).rejects.toMatchObject({
      failure: { type: 'Model.Rejected' },
    });
  });
});
