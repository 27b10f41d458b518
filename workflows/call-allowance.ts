import { condition } from '@temporalio/workflow';
import {
  type Allowance,
  type CallCost,
  leastCost,
  type ModelCard,
  mostCost,
  NO_USAGE,
  type Usage,
} from '../protocol/index.ts';
import { exhausted } from './budget.ts';
import type { Book, Ledger } from './ledger.ts';

/** A budget and what is promised of it. */
export interface Purse {
  readonly book: Book;
  readonly ledger: Ledger;
}

/** What a call takes: at least, or it is not worth making; and to think and answer at its ease. */
export interface CallCosts {
  least: CallCost;
  wanted: CallCost;
}

/** What an activity reckons beside the bytes of a prompt: one that has just enough is not sent back for a few tokens. */
const TOKENS_AROUND_A_PROMPT = 64;
/** Enough for nearly every answer of a sub-call, thoughts included. */
const WANTED_OUTPUT_TOKENS = 8192;

/** What a call that was cancelled in flight has cost at least: its prompt was on its way. */
export function promptUsage(card: ModelCard, promptTokens: number): Usage {
  const inputTokens = Math.ceil(promptTokens);
  const { costUsd } = mostCost(card, inputTokens, 0);
  return { ...NO_USAGE, inputTokens, costUsd, estimated: true };
}

export function costsOf(card: ModelCard, promptBytes: number): CallCosts {
  const promptTokens = promptBytes + TOKENS_AROUND_A_PROMPT;
  const output = Math.min(card.maxOutputTokens, WANTED_OUTPUT_TOKENS);
  return { least: leastCost(card, promptTokens), wanted: mostCost(card, promptTokens, output) };
}

/**
 * Opens a row for a call: of its share, and at least what it takes. While other work holds what it wants it waits for
 * that; with nothing else under way it takes less, or returns why it cannot be asked.
 */
export async function takeAllowance(
  { book, ledger }: Purse,
  row: string,
  { least, wanted }: CallCosts,
  together: number,
): Promise<Allowance | string> {
  const limitsTokens = book.resolved.budget.tokens !== null;
  const asking = ({ costUsd, tokens }: CallCost): Allowance => ({
    calls: 1,
    costUsd,
    tokens: limitsTokens ? tokens : null,
    computeMs: null,
  });
  const mayStart = (cost: CallCost): boolean =>
    exhausted(book.resolved.budget, book.spend) === null && ledger.affords(asking(cost));
  // Again after each wait: another call that waited may have taken what came back.
  while (!mayStart(wanted) && ledger.open > 0) {
    await condition(() => ledger.open === 0 || mayStart(wanted));
  }
  const cost = mayStart(wanted) ? wanted : least;
  if (!mayStart(cost)) return `Not asked: ${refusal(book, ledger, least)}.`;
  const share = ledger.share(together);
  const granted = {
    ...asking(cost),
    costUsd: Math.max(cost.costUsd, share.costUsd),
    tokens: limitsTokens ? Math.max(cost.tokens, share.tokens ?? 0) : null,
  };
  if (!ledger.grant(row, granted)) throw new Error(`The ledger refused ${row}.`);
  return granted;
}

function refusal({ resolved: { budget }, spend }: Book, ledger: Ledger, least: CallCost): string {
  const over = exhausted(budget, spend);
  if (over !== null) return over;
  const { costUsd, tokens } = ledger.left();
  return tokens !== null && tokens < least.tokens
    ? `it may take ${least.tokens} tokens, and ${tokens} of ${budget.tokens} are left`
    : `it may cost $${least.costUsd.toFixed(4)}, and $${costUsd.toFixed(4)} of $${budget.costUsd.toFixed(2)} is left`;
}
