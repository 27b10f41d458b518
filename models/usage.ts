import type { ModelCard, Usage } from '../protocol/index.ts';

/** Characters a token, for estimates only: what English prose and code have on average. */
const CHARS_PER_TOKEN = 4;

/** Token counts of a call as a provider gives them; `costUsd` when it names the price itself. */
export interface ReportedTokens {
  readonly input: number;
  readonly cachedInput: number;
  readonly output: number;
  readonly costUsd?: number;
}

/** The usage of a call that the provider counted. Without prices its cost is 0 and the usage is marked estimated. */
export function reportedUsage(card: ModelCard, tokens: ReportedTokens): Usage {
  const cached = Math.min(tokens.cachedInput, tokens.input);
  return {
    inputTokens: tokens.input,
    cachedInputTokens: cached,
    outputTokens: tokens.output,
    costUsd: tokens.costUsd ?? priced(card, tokens.input - cached, cached, tokens.output),
    estimated: tokens.costUsd === undefined && card.prices === null,
  };
}

/** The usage of a call that nobody counted, from character counts. */
export function estimatedUsage(card: ModelCard, inputChars: number, outputChars: number): Usage {
  const inputTokens = estimateTokens(inputChars);
  const outputTokens = estimateTokens(outputChars);
  return {
    inputTokens,
    cachedInputTokens: 0,
    outputTokens,
    costUsd: priced(card, inputTokens, 0, outputTokens),
    estimated: true,
  };
}

/** Tokens that so many characters are on average. */
export function estimateTokens(chars: number): number {
  return Math.ceil(chars / CHARS_PER_TOKEN);
}

function priced(card: ModelCard, fresh: number, cached: number, output: number): number {
  if (card.prices === null) return 0;
  const { inputUsdPerMTok, cachedInputUsdPerMTok, outputUsdPerMTok } = card.prices;
  return (
    (fresh * inputUsdPerMTok + cached * cachedInputUsdPerMTok + output * outputUsdPerMTok) /
    1_000_000
  );
}
