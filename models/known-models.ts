import type { ModelPrices } from '../protocol/index.ts';

/** What is known of a model without asking anybody. */
export interface KnownModel {
  readonly contextTokens: number;
  readonly maxOutputTokens: number;
  readonly prices: ModelPrices | null;
}

function known(
  contextTokens: number,
  maxOutputTokens: number,
  inputUsdPerMTok: number,
  cachedInputUsdPerMTok: number,
  outputUsdPerMTok: number,
): KnownModel {
  return {
    contextTokens,
    maxOutputTokens,
    prices: { inputUsdPerMTok, cachedInputUsdPerMTok, outputUsdPerMTok },
  };
}

/**
 * Limits in tokens and list prices in US dollars per million tokens, as published in 2025 for the
 * provider's own endpoint. A configuration file overrides each figure; a run records those it used.
 */
export const KNOWN_MODELS: ReadonlyMap<string, KnownModel> = new Map([
  ['gpt-5', known(400_000, 128_000, 1.25, 0.125, 10)],
  ['gpt-5.1', known(400_000, 128_000, 1.25, 0.125, 10)],
  ['gpt-5-mini', known(400_000, 128_000, 0.25, 0.025, 2)],
  ['gpt-5-nano', known(400_000, 128_000, 0.05, 0.005, 0.4)],
  ['gpt-4.1', known(1_047_576, 32_768, 2, 0.5, 8)],
  ['gpt-4.1-mini', known(1_047_576, 32_768, 0.4, 0.1, 1.6)],
  ['gpt-4.1-nano', known(1_047_576, 32_768, 0.1, 0.025, 0.4)],
  ['gpt-4o', known(128_000, 16_384, 2.5, 1.25, 10)],
  ['gpt-4o-mini', known(128_000, 16_384, 0.15, 0.075, 0.6)],
  ['o3', known(200_000, 100_000, 2, 0.5, 8)],
  ['o4-mini', known(200_000, 100_000, 1.1, 0.275, 4.4)],
]);

/** Limits assumed of a model that nobody described: small enough to hold nearly everywhere. Its prices are unknown. */
export const UNKNOWN_MODEL: KnownModel = {
  contextTokens: 128_000,
  maxOutputTokens: 8_192,
  prices: null,
};

/** The entry of a model id; a dated snapshot (`gpt-5-2025-08-07`) counts as the model that it is a snapshot of. */
export function findKnownModel(model: string): KnownModel | undefined {
  return KNOWN_MODELS.get(model) ?? KNOWN_MODELS.get(model.replace(/-\d{4}-\d{2}-\d{2}$/, ''));
}
