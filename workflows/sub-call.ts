import { CancellationScope, condition } from '@temporalio/workflow';
import {
  type Allowance,
  type AnswerCallInput,
  type CallCost,
  caps,
  clipBytes,
  FailureType,
  leastCost,
  type ModelCard,
} from '../protocol/index.ts';
import { exhausted, neededBy } from './budget.ts';
import { type Book, type Ledger, NO_SPEND } from './ledger.ts';
import type { Arrival } from './rounds.ts';
import { modelActivities } from './run-context.ts';

/** What sub-calls are made from: a run, or a batch of its calls. */
export interface CallDesk {
  readonly book: Book;
  readonly ledger: Ledger;
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

/** What an activity reckons beside the bytes of a prompt: one that has just enough is not sent back for a few tokens. */
const TOKENS_AROUND_A_PROMPT = 64;

/**
 * Asks a model. What the call may cost is taken from the budget before it and its output is cut to fit; the rest comes
 * back when its usage is known. While other work holds what it needs, it waits for that.
 */
export async function subCall(desk: CallDesk, asked: SubCall, together: number): Promise<Arrival> {
  const { card, cache, ledger } = desk;
  const { key, journal, call } = asked;
  const row = `call ${key.cell}.${key.cellAttempt}.${call}`;
  let least: CallCost = leastCost(card, asked.promptBytes + TOKENS_AROUND_A_PROMPT);
  for (;;) {
    const allowance = await take(desk, row, least, together);
    if (typeof allowance === 'string') {
      return { kind: 'failed', type: FailureType.budgetExhausted, message: allowance };
    }
    // Until it is known better: a call whose answer never came has been made.
    let spent = { ...NO_SPEND, calls: 1 };
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
            ...(cache === 'run' ? { cache } : {}),
          },
        ],
      );
      spent = { ...spent, usage: result.usage };
      return { kind: 'recorded' };
    } catch (error) {
      const needed = neededBy(error);
      if (needed === null || (needed.costUsd <= least.costUsd && needed.tokens <= least.tokens)) {
        throw error;
      }
      // Nothing was asked: it takes more than its share.
      spent = NO_SPEND;
      least = needed;
    } finally {
      ledger.close(row, spent);
    }
  }
}

/** Opens the call's row, when there is enough; or says why it cannot be asked. */
async function take(
  { book, ledger }: CallDesk,
  row: string,
  least: CallCost,
  together: number,
): Promise<Allowance | string> {
  const limitsTokens = book.resolved.budget.tokens !== null;
  const needed = {
    calls: 1,
    costUsd: least.costUsd,
    tokens: limitsTokens ? least.tokens : null,
    computeMs: null,
  };
  // Again after each wait: another call that waited may have taken what came back.
  while (!mayStart(book, ledger, needed)) {
    if (ledger.open === 0) return `Not asked: ${refusal(book, ledger, least)}.`;
    await condition(() => ledger.open === 0 || mayStart(book, ledger, needed));
  }
  const share = ledger.share(together);
  const granted = {
    ...needed,
    costUsd: Math.max(needed.costUsd, share.costUsd),
    tokens: limitsTokens ? Math.max(least.tokens, share.tokens ?? 0) : null,
  };
  ledger.grant(row, granted);
  return granted;
}

function mayStart(book: Book, ledger: Ledger, needed: Allowance): boolean {
  return exhausted(book.resolved.budget, book.spend) === null && ledger.affords(needed);
}

function refusal({ resolved: { budget }, spend }: Book, ledger: Ledger, least: CallCost): string {
  const over = exhausted(budget, spend);
  if (over !== null) return over;
  const { costUsd, tokens } = ledger.left();
  return tokens !== null && tokens < least.tokens
    ? `it may take ${least.tokens} tokens, and ${tokens} of ${budget.tokens} are left`
    : `it may cost $${least.costUsd.toFixed(4)}, and $${costUsd.toFixed(4)} of $${budget.costUsd.toFixed(2)} is left`;
}
