import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Allowance, type Budget, NO_USAGE, type Spend } from '../../protocol/index.ts';
import { type Book, Ledger, NO_SPEND } from '../../workflows/ledger.ts';

// Scope: the arithmetic of a run's budget, whatever starts, reports, ends and is lost in whatever order.

const BUDGET: Budget = {
  turns: 30,
  calls: 100,
  costUsd: 10,
  tokens: 1000,
  wallClockMs: null,
  computeMs: 5000,
};

function openBook(changes: Partial<Budget> = {}): Book {
  return { resolved: { budget: { ...BUDGET, ...changes } }, spend: NO_SPEND };
}

/** A spend of so many calls, dollars, tokens and ms. */
function spent(calls: number, costUsd: number, tokens = 0, computeMs = 0): Spend {
  const usage = { ...NO_USAGE, costUsd, inputTokens: tokens };
  return { turns: 0, calls, usage, computeMs };
}

const ONE: Allowance = { calls: 1, costUsd: 4, tokens: 100, computeMs: null };

describe('a grant', () => {
  test('is taken from what is left, and refused when less is left', () => {
    const ledger = new Ledger(openBook());
    expect([ledger.grant('a', ONE), ledger.grant('b', ONE), ledger.grant('c', ONE)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(ledger.left()).toEqual({ calls: 98, costUsd: 2, tokens: 800, computeMs: 5000 });
  });

  test('gives back what was not spent of it', () => {
    const book = openBook();
    const ledger = new Ledger(book);
    ledger.grant('a', ONE);
    ledger.close('a', spent(1, 0.5, 10));
    expect(ledger.left()).toEqual({ calls: 99, costUsd: 9.5, tokens: 990, computeMs: 5000 });
    expect(book.spend.calls).toBe(1);
  });

  test('counts whole when nothing said what was spent of it', () => {
    const book = openBook();
    const ledger = new Ledger(book);
    ledger.grant('a', ONE);
    ledger.report('a', spent(1, 0.5));
    ledger.close('a', null);
    expect([book.spend.usage.costUsd, book.spend.usage.estimated]).toEqual([4, true]);
  });

  test('is extended with the budget', () => {
    const book: { resolved: { budget: Budget }; spend: Spend } = openBook({ costUsd: 1 });
    const ledger = new Ledger(book);
    expect(ledger.grant('a', ONE)).toBe(false);
    book.resolved = { budget: { ...BUDGET, costUsd: 5 } };
    expect(ledger.grant('a', ONE)).toBe(true);
  });

  test('has a name of its own: the same thing is not started twice', () => {
    const ledger = new Ledger(openBook());
    ledger.grant('a', ONE);
    expect(() => ledger.grant('a', ONE)).toThrow('The ledger has an open row a.');
  });
});

test('a thousand grants of dollars leave exactly the budget when all are closed', () => {
  const ledger = new Ledger(openBook({ calls: 5000 }));
  for (let i = 0; i < 1000; i++)
    ledger.grant(`row ${i}`, { ...ONE, costUsd: 0.001 * (i % 7), tokens: 0 });
  for (let i = 0; i < 1000; i++) ledger.close(`row ${i}`, NO_SPEND);
  expect(ledger.left().costUsd).toBe(10);
});

describe('a report', () => {
  test('that says less than an earlier one changes nothing', () => {
    const ledger = new Ledger(openBook());
    ledger.grant('a', ONE);
    ledger.report('a', spent(1, 2));
    ledger.report('a', spent(1, 1));
    expect(ledger.total().usage.costUsd).toBe(2);
  });

  test('that is final counts when the child ends without one', () => {
    const book = openBook();
    const ledger = new Ledger(book);
    ledger.grant('a', ONE);
    ledger.report('a', spent(1, 2), true);
    ledger.close('a', null);
    expect(book.spend.usage.costUsd).toBe(2);
  });

  test('of a child that is closed or unknown is ignored', () => {
    const book = openBook();
    const ledger = new Ledger(book);
    ledger.grant('a', ONE);
    ledger.close('a', spent(1, 1));
    ledger.report('a', spent(1, 3));
    ledger.report('stranger', spent(50, 9));
    ledger.close('a', spent(1, 1));
    expect([book.spend.usage.costUsd, ledger.open]).toEqual([1, 0]);
  });
});

test('shares of those that start together leave one for who comes next', () => {
  const ledger = new Ledger(openBook());
  expect(ledger.share(3)).toEqual({ calls: 25, costUsd: 2.5, tokens: 250, computeMs: 1250 });
});

/** What can happen to a row: it reports, closes with or without a final report, or closes again. */
const Step = fc.record({
  what: fc.constantFrom('grant', 'share', 'report', 'final', 'close', 'lose', 'closeAgain'),
  row: fc.integer({ min: 0, max: 9 }),
  /** Of the grant, as a share. */
  part: fc.double({ min: 0, max: 1, noNaN: true }),
  asked: fc.record({
    calls: fc.integer({ min: 0, max: 40 }),
    costUsd: fc.double({ min: 0, max: 5, noNaN: true }),
    tokens: fc.integer({ min: 0, max: 400 }),
    computeMs: fc.integer({ min: 0, max: 2000 }),
  }),
});

function partOf(granted: Allowance, part: number): Spend {
  const { calls, costUsd, tokens, computeMs } = granted;
  return spent(
    Math.floor(calls * part),
    costUsd * part,
    Math.floor((tokens ?? 0) * part),
    (computeMs ?? 0) * part,
  );
}

test('whatever happens, what is settled and granted stays within the budget, and each row counts once', () => {
  fc.assert(
    fc.property(fc.array(Step, { maxLength: 60 }), (steps) => {
      const book = openBook();
      const ledger = new Ledger(book);
      const open = new Map<string, Allowance>();
      /** Least that must be settled in the end: what rows said that they spent. */
      let said = 0;
      let most = 0;
      for (const { what, row, part, asked } of steps) {
        const name = `row ${row}`;
        const granted = open.get(name);
        if (what === 'grant' || what === 'share') {
          const ask = what === 'grant' ? asked : ledger.share(row + 1);
          if (granted === undefined && ledger.grant(name, ask)) open.set(name, ask);
        } else if (granted !== undefined) {
          const spend = partOf(granted, part);
          if (what === 'report' || what === 'final') ledger.report(name, spend, what === 'final');
          else {
            ledger.close(name, what === 'close' ? spend : null);
            open.delete(name);
            if (what === 'close') said += spend.usage.costUsd;
            most += granted.costUsd;
          }
        } else if (what === 'closeAgain') ledger.close(name, spent(100, 100));

        const { usage, calls, computeMs } = book.spend;
        const promised = [...open.values()];
        const sum = (pick: (one: Allowance) => number): number =>
          promised.reduce((total, one) => total + pick(one), 0);
        expect(calls + sum((one) => one.calls)).toBeLessThanOrEqual(BUDGET.calls);
        expect(usage.costUsd + sum((one) => one.costUsd)).toBeLessThanOrEqual(10 + 1e-9);
        expect(usage.inputTokens + sum((one) => one.tokens ?? 0)).toBeLessThanOrEqual(1000);
        expect(computeMs + sum((one) => one.computeMs ?? 0)).toBeLessThanOrEqual(5000 + 1e-6);
        expect(ledger.open).toBe(open.size);
      }
      // Nothing that a row said at its end is lost, and no row counts for more than its grant.
      expect(book.spend.usage.costUsd).toBeGreaterThanOrEqual(said - 1e-9);
      expect(book.spend.usage.costUsd).toBeLessThanOrEqual(most + 1e-9);
    }),
    { numRuns: 300 },
  );
});
