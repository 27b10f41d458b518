import type { ModelCard } from './model-card.ts';

/** A call whose budget leaves fewer output tokens than this is not made: models that think would give nothing for the money. */
export const LEAST_OUTPUT_TOKENS = 2048;

/** What an image counts as at most, in tokens, with any provider. */
export const IMAGE_TOKENS = 4096;

/** What a call can cost at most. */
export interface CallCost {
  costUsd: number;
  tokens: number;
}

/** Upper bound of a call whose prompt has at most so many tokens: its bytes are one, since no tokeniser makes more tokens than bytes. */
export function mostCost(card: ModelCard, promptTokens: number, outputTokens: number): CallCost {
  const { inputUsdPerMTok = 0, outputUsdPerMTok = 0 } = card.prices ?? {};
  return {
    costUsd: (promptTokens * inputUsdPerMTok + outputTokens * outputUsdPerMTok) / 1_000_000,
    tokens: promptTokens + outputTokens,
  };
}

/** What must be left of a budget for a call to be worth making. */
export function leastCost(card: ModelCard, promptTokens: number): CallCost {
  return mostCost(card, promptTokens, Math.min(card.maxOutputTokens, LEAST_OUTPUT_TOKENS));
}

/** Output tokens that an allowance pays beside the prompt, at most the model's own limit; null when it does not pay `leastCost`. */
export function affordedOutput(
  card: ModelCard,
  promptTokens: number,
  allowance: { costUsd: number; tokens: number | null },
): number | null {
  const least = leastCost(card, promptTokens);
  const { costUsd, tokens } = allowance;
  if (least.costUsd > costUsd || (tokens !== null && least.tokens > tokens)) return null;
  const perToken = (card.prices?.outputUsdPerMTok ?? 0) / 1_000_000;
  const byCost =
    perToken === 0 ? Infinity : (costUsd - mostCost(card, promptTokens, 0).costUsd) / perToken;
  const byTokens = tokens === null ? Infinity : tokens - promptTokens;
  return Math.max(
    // Rounding must not take away what `leastCost` has just granted.
    Math.min(card.maxOutputTokens, LEAST_OUTPUT_TOKENS),
    Math.min(card.maxOutputTokens, Math.floor(byCost), byTokens),
  );
}
