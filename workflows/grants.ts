import type { Budget, Spend } from '../protocol/index.ts';

/** What is promised to a sub-run that is under way: it may spend this much, so nobody else may. */
export interface Grant {
  calls: number;
  costUsd: number;
  tokens: number;
}

export const NO_GRANT: Grant = { calls: 0, costUsd: 0, tokens: 0 };

/** Share of what is left that one sub-run may use: shares of shares never add up to more than there is. */
const SHARE = 0.25;

/** The share of a new sub-run: of the budget less what is spent and what siblings under way may still spend. */
export function shareOf(budget: Budget, spend: Spend, granted: Grant): Grant {
  const tokens = spend.usage.inputTokens + spend.usage.outputTokens;
  return {
    calls: Math.floor(share(budget.calls, spend.calls, granted.calls)),
    costUsd: share(budget.costUsd, spend.usage.costUsd, granted.costUsd),
    tokens:
      budget.tokens === null
        ? 0
        : Math.max(1, Math.floor(share(budget.tokens, tokens, granted.tokens))),
  };
}

function share(limit: number, used: number, promised: number): number {
  return Math.max(0, limit - used - promised) * SHARE;
}

export function addGrant(a: Grant, b: Grant, sign: 1 | -1): Grant {
  return {
    calls: a.calls + sign * b.calls,
    costUsd: a.costUsd + sign * b.costUsd,
    tokens: a.tokens + sign * b.tokens,
  };
}

/** A grant counts as spent when its sub-run ended without saying what it spent. */
export function spentWhole(grant: Grant): Spend {
  return {
    turns: 0,
    calls: grant.calls,
    computeMs: 0,
    usage: {
      inputTokens: grant.tokens,
      cachedInputTokens: 0,
      outputTokens: 0,
      costUsd: grant.costUsd,
      estimated: true,
    },
  };
}
