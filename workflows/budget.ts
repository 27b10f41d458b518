import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import {
  type Budget,
  type CallCost,
  type EndReason,
  FailureType,
  type Spend,
} from '../protocol/index.ts';
import type { RunState } from './run-state.ts';

/** Which limit is reached and how, as a clause for a sentence; null while there is budget left. Turns are the run loop's own. */
export function exhausted(budget: Budget, spend: Spend): string | null {
  const { usage, calls } = spend;
  const tokens = usage.inputTokens + usage.outputTokens;
  if (calls >= budget.calls) {
    return `all ${budget.calls} sub-calls are used`;
  }
  if (usage.costUsd >= budget.costUsd && usage.costUsd > 0) {
    return `$${usage.costUsd.toFixed(2)} of $${budget.costUsd.toFixed(2)} is spent`;
  }
  if (budget.tokens !== null && tokens >= budget.tokens) {
    return `${tokens} of ${budget.tokens} tokens are used`;
  }
  const computeMs = budget.computeMs ?? null;
  if (computeMs !== null && spend.computeMs >= computeMs) {
    return `${seconds(spend.computeMs)} of ${seconds(computeMs)} of compute are used`;
  }
  return null;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
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

/** What a model call needs at least, when it was not made because its allowance did not cover that; null for any other failure. */
export function neededBy(error: unknown): CallCost | null {
  if (!(error instanceof ActivityFailure)) return null;
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure) || cause.type !== FailureType.budgetExhausted)
    return null;
  const [needed]: unknown[] = cause.details ?? [];
  if (typeof needed !== 'object' || needed === null) return null;
  const { costUsd, tokens }: { costUsd?: unknown; tokens?: unknown } = needed;
  return typeof costUsd === 'number' && typeof tokens === 'number' ? { costUsd, tokens } : null;
}
