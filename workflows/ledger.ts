import { addUsage, type Allowance, type Budget, NO_USAGE, type Spend } from '../protocol/index.ts';

/** What is promised to something under way, and what it has said to have spent of it. */
interface Row {
  readonly granted: Allowance;
  reported: Spend | null;
  /** The report was its last: nothing more will be spent. */
  final: boolean;
}

/** Where a ledger reads limits and keeps what is settled: the part of a run's state that is carried over. */
export interface Book {
  readonly resolved: { readonly budget: Budget };
  spend: Spend;
}

export const NO_SPEND: Spend = { turns: 0, calls: 0, usage: NO_USAGE, computeMs: 0 };

/**
 * What a run has spent, and what is promised to the calls, batches and sub-runs that are under way.
 *
 * L1. A grant is made only out of what is left: of the limits, less what is settled, less all open grants. So parallel
 *     work never overspends together, as long as each row keeps to its grant.
 * L2. A row counts once. It closes by its final report; without one its whole grant counts as spent.
 * L3. Reports are cumulative: one that says less than an earlier one changes nothing.
 */
export class Ledger {
  readonly #book: Book;
  readonly #rows = new Map<string, Row>();
  /** What all open rows hold together: hundreds of calls each ask for what is left. */
  #promised: Amount = NOTHING;

  constructor(book: Book) {
    this.#book = book;
  }

  /** Rows under way. */
  get open(): number {
    return this.#rows.size;
  }

  /** An open row: what it was granted, and what its holder has said to have spent of it. */
  row(name: string): { granted: Allowance; reported: Spend | null } | null {
    const row = this.#rows.get(name);
    return row === undefined ? null : { granted: row.granted, reported: row.reported };
  }

  /** What may still be granted; null is no limit. */
  left(): Allowance {
    const { budget } = this.#book.resolved;
    const used = this.#used();
    return {
      calls: Math.max(0, budget.calls - used.calls),
      costUsd: Math.max(0, budget.costUsd - used.costUsd),
      tokens: budget.tokens === null ? null : Math.max(0, budget.tokens - used.tokens),
      computeMs:
        budget.computeMs === undefined || budget.computeMs === null
          ? null
          : Math.max(0, budget.computeMs - used.computeMs),
    };
  }

  /** An equal share of what is left for each of so many that start together, and one share kept back for who comes next. */
  share(together: number): Allowance {
    const { calls, costUsd, tokens, computeMs } = this.left();
    const parts = together + 1;
    return {
      calls: Math.floor(calls / parts),
      costUsd: costUsd / parts,
      tokens: tokens === null ? null : Math.floor(tokens / parts),
      computeMs: computeMs === null ? null : Math.floor(computeMs / parts),
    };
  }

  /** Opens a row, or returns false when less is left than it asks for. A name is used once at a time. */
  grant(name: string, asked: Allowance): boolean {
    if (this.#rows.has(name)) throw new Error(`The ledger has an open row ${name}.`);
    if (!this.affords(asked)) return false;
    const row = { granted: asked, reported: null, final: false };
    this.#rows.set(name, row);
    this.#count(row, 1);
    return true;
  }

  affords(asked: Allowance): boolean {
    const left = this.left();
    return (
      asked.calls <= left.calls &&
      asked.costUsd <= left.costUsd &&
      fits(asked.tokens, left.tokens) &&
      fits(asked.computeMs, left.computeMs)
    );
  }

  /** What a row's holder has spent since its start. Ignored when the row is closed, or when it says less than before. */
  report(name: string, spend: Spend, final = false): void {
    const row = this.#rows.get(name);
    if (row === undefined || row.final) return;
    this.#count(row, -1);
    row.reported = row.reported === null ? spend : most(row.reported, spend);
    row.final = final;
    this.#count(row, 1);
  }

  /** Ends a row: what was spent is settled, the rest of its grant is free again. Ignored when it is closed. */
  close(name: string, spend: Spend | null): void {
    const row = this.#rows.get(name);
    if (row === undefined) return;
    this.#rows.delete(name);
    this.#count(row, -1);
    const last = spend ?? (row.final ? row.reported : null);
    const settled = last ?? whole(row.granted);
    // A child that says less at its end than before has lost count: the higher figure was paid.
    this.#settle(row.reported === null ? settled : most(row.reported, settled));
  }

  /** Settled spend and all that is reported of rows under way: what a watcher is shown. */
  total(): Spend {
    let total = this.#book.spend;
    for (const { reported } of this.#rows.values()) {
      if (reported !== null) total = add(total, reported);
    }
    return total;
  }

  #settle(spend: Spend): void {
    this.#book.spend = add(this.#book.spend, spend);
  }

  #used(): Amount {
    const { calls, computeMs, usage } = this.#book.spend;
    const promised = this.#promised;
    return {
      calls: calls + promised.calls,
      costUsd: usage.costUsd + promised.costUsd,
      tokens: usage.inputTokens + usage.outputTokens + promised.tokens,
      computeMs: computeMs + promised.computeMs,
    };
  }

  /** Adds what a row holds of the budget to the sum of all, or takes it away. */
  #count(row: Row, sign: 1 | -1): void {
    // Sums of dollars drift by their last digits: with no row open there is nothing promised.
    if (this.#rows.size === 0) {
      this.#promised = NOTHING;
      return;
    }
    const { calls, costUsd, tokens, computeMs } = this.#promised;
    const held = heldBy(row);
    this.#promised = {
      calls: calls + sign * held.calls,
      costUsd: costUsd + sign * held.costUsd,
      tokens: tokens + sign * held.tokens,
      computeMs: computeMs + sign * held.computeMs,
    };
  }
}

interface Amount {
  readonly calls: number;
  readonly costUsd: number;
  readonly tokens: number;
  readonly computeMs: number;
}

const NOTHING: Amount = { calls: 0, costUsd: 0, tokens: 0, computeMs: 0 };

/** A row's grant; or what its holder has said to have spent, should that be more. */
function heldBy({ granted, reported }: Row): Amount {
  const { calls, computeMs, usage } = reported ?? NO_SPEND;
  return {
    calls: Math.max(granted.calls, calls),
    costUsd: Math.max(granted.costUsd, usage.costUsd),
    tokens: Math.max(granted.tokens ?? 0, usage.inputTokens + usage.outputTokens),
    computeMs: Math.max(granted.computeMs ?? 0, computeMs),
  };
}

function fits(asked: number | null, left: number | null): boolean {
  return left === null || (asked ?? 0) <= left;
}

/** Turns are a limit of each run alone: those of sub-runs are not counted among its own. */
function add(a: Spend, b: Spend): Spend {
  return {
    turns: a.turns,
    calls: a.calls + b.calls,
    usage: addUsage(a.usage, b.usage),
    computeMs: a.computeMs + b.computeMs,
  };
}

/** Of two cumulative reports the later one, whichever arrived last. */
function most(a: Spend, b: Spend): Spend {
  const usage = {
    inputTokens: Math.max(a.usage.inputTokens, b.usage.inputTokens),
    cachedInputTokens: Math.max(a.usage.cachedInputTokens, b.usage.cachedInputTokens),
    outputTokens: Math.max(a.usage.outputTokens, b.usage.outputTokens),
    costUsd: Math.max(a.usage.costUsd, b.usage.costUsd),
    estimated: a.usage.estimated || b.usage.estimated,
  };
  return {
    turns: Math.max(a.turns, b.turns),
    calls: Math.max(a.calls, b.calls),
    usage,
    computeMs: Math.max(a.computeMs, b.computeMs),
  };
}

function whole(granted: Allowance): Spend {
  return {
    turns: 0,
    calls: granted.calls,
    computeMs: granted.computeMs ?? 0,
    usage: {
      inputTokens: granted.tokens ?? 0,
      cachedInputTokens: 0,
      outputTokens: 0,
      costUsd: granted.costUsd,
      estimated: true,
    },
  };
}
