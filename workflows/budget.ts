import type { Budget, EndReason, Spend } from '../protocol/index.ts';
import type { RunState } from './run-state.ts';

/** Which limit is reached and how, as a clause for a sentence; null while there is budget left. Turns are the run loop's own. */
export function exhausted(budget: Budget, spend: Spend): string | null {
  const tokens = spend.usage.inputTokens + spend.usage.outputTokens;
  if (spend.calls >= budget.calls) {
    return `all ${budget.calls} sub-calls are used`;
  }
  if (spend.usage.costUsd >= budget.costUsd && spend.usage.costUsd > 0) {
    return `$${spend.usage.costUsd.toFixed(2)} of $${budget.costUsd.toFixed(2)} is spent`;
  }
  if (budget.tokens !== null && tokens >= budget.tokens) {
    return `${tokens} of ${budget.tokens} tokens are used`;
  }
  return null;
}

/** The limit that ends the run before its next turn; null while there is none. Used-up sub-calls do not end a run: the model can still conclude. */
export function reachedLimit(state: RunState, nowMs: number | null): EndReason | null {
  const { budget } = state.resolved;
  if (state.turn >= budget.turns) return 'turns';
  if (exhausted({ ...budget, calls: Number.MAX_SAFE_INTEGER }, state.spend) !== null)
    return 'budget';
  const { wallClockMs } = budget;
  if (wallClockMs !== null && nowMs !== null && nowMs - state.startedMs >= wallClockMs) {
    return 'wallClock';
  }
  return null;
}
