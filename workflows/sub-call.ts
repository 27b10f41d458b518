import {
  ActivityFailure,
  CancellationScope,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow';
import {
  type AnswerCallInput,
  asksOnce,
  caps,
  clipBytes,
  FailureType,
  type ModelCard,
  type Spend,
} from '../protocol/index.ts';
import { neededBy } from './budget.ts';
import { costsOf, promptUsage, type Purse, takeAllowance } from './call-allowance.ts';
import { NO_SPEND } from './ledger.ts';
import type { Arrival } from './rounds.ts';
import { modelActivities } from './run-context.ts';

/** Bytes of a token of prose, about. */
const TOKEN_BYTES = 4;

/** What sub-calls are made from: a run, or a batch of its calls. */
export interface CallDesk extends Purse {
  readonly card: ModelCard;
  readonly cache: AnswerCallInput['cache'];
}

export interface SubCall {
  readonly key: AnswerCallInput['key'];
  readonly journal: AnswerCallInput['journal'];
  readonly call: number;
  readonly summary: string;
  /** Of the longest prompt of the round; 0 when it is not known. */
  readonly promptBytes: number;
}

/**
 * Asks a model. What the call may cost is taken from the budget before it and its output is cut to fit; the rest comes
 * back when its usage is known. While other work holds what it needs, it waits for that.
 */
export async function subCall(desk: CallDesk, asked: SubCall, together: number): Promise<Arrival> {
  const { card, cache, ledger } = desk;
  const { key, journal, call } = asked;
  const row = `call ${key.cell}.${key.cellAttempt}.${call}`;
  let cost = costsOf(card, asked.promptBytes);
  for (;;) {
    const allowance = await takeAllowance(desk, row, cost, together);
    if (typeof allowance === 'string') {
      return { kind: 'failed', type: FailureType.budgetExhausted, message: allowance };
    }
    // Until it is known better: a call whose answer never came has been made.
    let spent: Spend | null = { ...NO_SPEND, calls: 1 };
    try {
      if (CancellationScope.current().consideredCancelled) spent = NO_SPEND;
      const result = await modelActivities(card).answerCall.executeWithOptions(
        { summary: clipBytes(asked.summary, caps.SUMMARY_BYTES) },
        [
          {
            key,
            journal,
            call,
            card,
            allowance: { costUsd: allowance.costUsd, tokens: allowance.tokens },
            ...(asksOnce(cache) ? { cache } : {}),
          },
        ],
      );
      spent = { ...NO_SPEND, calls: 1, usage: result.usage };
      return { kind: 'recorded' };
    } catch (error) {
      if (isTimeout(error)) spent = null;
      else if (isCancellation(error) && spent.calls > 0) {
        spent = { ...spent, usage: promptUsage(card, asked.promptBytes / TOKEN_BYTES) };
      }
      const needed = neededBy(error);
      const { least } = cost;
      if (needed === null || (needed.costUsd <= least.costUsd && needed.tokens <= least.tokens)) {
        throw error;
      }
      // Nothing was asked: it takes more than its share.
      spent = NO_SPEND;
      cost = { least: needed, wanted: needed };
    } finally {
      ledger.close(row, spent);
    }
  }
}

/** It may have been answered and paid for, and nobody knows how much: as of a sub-run that was lost, all that it was granted counts. */
function isTimeout(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof TimeoutFailure &&
    error.cause.timeoutType !== 'SCHEDULE_TO_START'
  );
}
