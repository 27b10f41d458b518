import type { ModelCard, Usage } from '../protocol/index.ts';

/** Characters a token, for what must cost nothing to reckon: what English prose and code have on average. */
const CHARS_PER_TOKEN = 4;

/** Token counts of a call as a provider gives them; `costUsd` when it names the price itself. */
export interface ReportedTokens {
  readonly input: number;
  readonly cachedInput: number;
  readonly output: number;
  readonly costUsd?: number;
}

/** The usage of a call that the provider counted. Without prices its cost is 0 and the usage is marked estimated. */
export function reportedUsage(card: Priced, tokens: ReportedTokens): Usage {
  const cached = Math.min(tokens.cachedInput, tokens.input);
  return {
    inputTokens: tokens.input,
    cachedInputTokens: cached,
    outputTokens: tokens.output,
    costUsd: tokens.costUsd ?? priced(card, tokens.input - cached, cached, tokens.output),
    estimated: tokens.costUsd === undefined && card.prices === null,
  };
}

/** The usage of a call whose provider gave no counts, from our own. */
export function estimatedUsage(card: Priced, inputTokens: number, outputTokens: number): Usage {
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

type Priced = Pick<ModelCard, 'prices'>;

function priced(card: Priced, fresh: number, cached: number, output: number): number {
  if (card.prices === null) return 0;
  const { inputUsdPerMTok, cachedInputUsdPerMTok, outputUsdPerMTok } = card.prices;
  return (
    (fresh * inputUsdPerMTok + cached * cachedInputUsdPerMTok + output * outputUsdPerMTok) /
    1_000_000
  );
}
