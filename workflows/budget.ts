import type { Budget, EndReason, Spend } from '../protocol/index.ts';
import { type Grant, NO_GRANT } from './grants.ts';
import type { RunState } from './run-state.ts';

/** Which limit is reached and how, as a clause for a sentence; null while there is budget left. Turns are the run loop's own. */
export function exhausted(budget: Budget, spend: Spend, granted: Grant = NO_GRANT): string | null {
  const tokens = spend.usage.inputTokens + spend.usage.outputTokens + granted.tokens;
  const costUsd = spend.usage.costUsd + granted.costUsd;
  const calls = spend.calls + granted.calls;
  if (calls >= budget.calls) {
    return `all ${budget.calls} sub-calls are used`;
  }
  if (costUsd >= budget.costUsd && costUsd > 0) {
    return `$${costUsd.toFixed(2)} of $${budget.costUsd.toFixed(2)} is spent`;
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
  return remainingMs(state, nowMs) === 0 ? 'wallClock' : null;
}

/** What is left of the run's wall-clock limit in ms; null without a limit or without a time (`nowMs` null: a fixed clock has none). */
export function remainingMs(state: RunState, nowMs: number | null): number | null {
  const { wallClockMs } = state.resolved.budget;
  if (wallClockMs === null || nowMs === null) return null;
  return Math.max(0, wallClockMs - (nowMs - state.startedMs));
}
