import {
  CancellationScope,
  ChildWorkflowCancellationType,
  isCancellation,
  ParentClosePolicy,
  startChild,
  uuid4,
} from '@temporalio/workflow';
import {
  type Allowance,
  CALL_BATCH_WORKFLOW,
  type CallBatchInput,
  type CallBatchResult,
  type CallRanges,
  FailureType,
  type ModelCard,
  numbersOf,
  toRanges,
} from '../protocol/index.ts';
import { asArrival } from './arrival.ts';
import type { CallsOfCell } from './answer-calls.ts';
import { exhausted } from './budget.ts';
import { lostArrivals, mayStartAgain } from './lost-batch.ts';
import { pauseTreeSignal } from './pause-tree.ts';
import { type Arrival } from './rounds.ts';
import type { BatchUnderWay, RunContext } from './run-context.ts';

/** A batch's history stays well below the server's limit with so many calls. */
const CALLS_A_BATCH = 1000;
const BATCHES_AT_ONCE = 16;
/** Fewer calls are not worth a workflow of their own. */
const LEAST_CALLS_A_BATCH = 250;

/** Answers many sub-calls of one round by child workflows, each with its part of the calls, the window and the budget. */
export async function answerInBatches(
  context: RunContext,
  cell: CallsOfCell,
  calls: readonly number[],
  card: ModelCard,
): Promise<void> {
  let left = calls;
  while (left.length > 0 && !CancellationScope.current().consideredCancelled) {
    const ended = await Promise.all(wave(context, cell, left, card));
    const unasked = ended.flat().toSorted((a, b) => a - b);
    // Calls that a batch had no budget for may be paid by what the others did not use.
    if (unasked.length === left.length) {
      refuse(context, cell, unasked);
      return;
    }
    left = unasked;
  }
}

/** One batch after the other gets its seats in the window. Each resolves to the calls that it could not pay for. */
function wave(
  context: RunContext,
  cell: CallsOfCell,
  calls: readonly number[],
  card: ModelCard,
): Promise<number[]>[] {
  const { concurrency } = context.state.resolved;
  const atOnce = Math.min(
    BATCHES_AT_ONCE,
    concurrency,
    Math.ceil(calls.length / LEAST_CALLS_A_BATCH),
  );
  const size = Math.min(CALLS_A_BATCH, Math.ceil(calls.length / atOnce));
  const seats = Math.floor(concurrency / atOnce);
  const batches: Promise<number[]>[] = [];
  for (let from = 0; from < calls.length; from += size) {
    const mine = calls.slice(from, from + size);
    const { promise, resolve } = Promise.withResolvers<number[]>();
    batches.push(promise);
    cell.window.add(async (together) => {
      resolve(await answerBatch(context, cell, toRanges(mine), { card, seats, together }));
    }, seats);
  }
  cell.window.start();
  return batches;
}

async function answerBatch(
  context: RunContext,
  cell: CallsOfCell,
  calls: CallRanges,
  { card, seats, together }: { card: ModelCard; seats: number; together: number },
): Promise<number[]> {
  const { ledger, state } = context;
  const numbers = [...numbersOf(calls)];
  const arrive = (call: number, arrival: Arrival): void => {
    cell.pending.arrive(call, arrival);
    if (context.round !== null) context.round.answered = cell.pending.arrivedCount;
  };
  const row = `${context.workflowId}/${cell.key.cell}-calls-${numbers[0]}-${uuid4().slice(0, 4)}`;
  const allowance = take(context, numbers.length, together);
  const isLate = CancellationScope.current().consideredCancelled;
  if (isLate || allowance.calls === 0 || exhausted(state.resolved.budget, state.spend) !== null) {
    return numbers;
  }
  ledger.grant(row, allowance);
  let ended: CallBatchResult | null = null;
  const failure = await asArrival(async () => {
    ended = await runBatch(
      context,
      { row, arrive, answered: 0, handedOver: 0 },
      {
        key: cell.key,
        journal: cell.waiting.journal,
        calls,
        round: { firstCall: cell.waiting.firstCall, callCount: cell.waiting.callCount },
        promptBytes: cell.waiting.longestPromptBytes ?? 0,
        card,
        ...(state.resolved.cache === undefined ? {} : { cache: state.resolved.cache }),
        concurrency: seats,
        allowance,
      },
    );
    return { kind: 'recorded' };
  });
  const result = ended as CallBatchResult | null;
  ledger.close(row, result?.spend ?? null);
  if (result === null) {
    const { key, waiting } = cell;
    const arrivalOf = await lostArrivals({ key, journal: waiting.journal, calls }, failure);
    for (const call of numbers) arrive(call, arrivalOf(call));
    return [];
  }
  const unasked = new Set(numbersOf(result.unasked));
  for (const { calls: failed, type, message } of result.failed) {
    for (const call of numbersOf(failed)) arrive(call, { kind: 'failed', type, message });
  }
  for (const call of numbers) if (!unasked.has(call)) arrive(call, { kind: 'recorded' });
  return [...unasked];
}

/** As many calls as there are or as are left, and an equal part of the money. */
function take({ ledger }: RunContext, count: number, together: number): Allowance {
  const left = ledger.left();
  return { ...ledger.share(together), calls: Math.min(count, left.calls) };
}

/** Under one row of the ledger however often it is started: what an earlier attempt paid for, the next one finds and counts. */
async function runBatch(
  context: RunContext,
  batch: BatchUnderWay,
  input: CallBatchInput,
): Promise<CallBatchResult> {
  for (let attempt = 1; ; attempt++) {
    const workflowId = attempt === 1 ? batch.row : `${batch.row}-${attempt}`;
    try {
      const handle = await startChild<(input: CallBatchInput) => Promise<CallBatchResult>>(
        CALL_BATCH_WORKFLOW,
        {
          workflowId,
          args: [input],
          staticSummary: `cell ${input.key.cell} · ${input.allowance.calls} of ${input.round.callCount} sub-calls`,
          parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
          cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        },
      );
      context.batches.set(workflowId, batch);
      // Paused while it was being started: it must learn that too.
      if (context.state.steering.paused) await handle.signal(pauseTreeSignal, true);
      return await handle.result();
    } catch (error) {
      if (isCancellation(error) || !mayStartAgain(attempt)) throw error;
    } finally {
      context.batches.delete(workflowId);
    }
  }
}

function refuse({ state, round }: RunContext, { pending }: CallsOfCell, calls: number[]): void {
  const over = exhausted(state.resolved.budget, state.spend) ?? 'too little is left of the budget';
  const message = `Not asked: ${over}.`;
  for (const call of calls) {
    pending.arrive(call, { kind: 'failed', type: FailureType.budgetExhausted, message });
  }
  if (round !== null) round.answered = pending.arrivedCount;
}
