import {
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  log,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import {
  CallBatchInput,
  type CallBatchResult,
  type Digest,
  FailureType,
  type Spend,
  numbersOf,
  toRanges,
} from '../protocol/index.ts';
import { LIGHT } from './activity-options.ts';
import { asArrival } from './arrival.ts';
import { CallWindow } from './call-window.ts';
import { Ledger, NO_SPEND } from './ledger.ts';
import { pauseTreeSignal } from './pause-tree.ts';
import { handOver, reportSpend } from './report-spend.ts';
import { type Arrival, FailureGroups } from './rounds.ts';
import { subCall } from './sub-call.ts';

const { sealTrail } = proxyActivities<Activities>(LIGHT);

/** Answers after which the run is told how far its batch is. */
const REPORT_EVERY = 100;
/** As for the calls of a round that the run makes itself. */
const NEARLY_ALL = 0.9;
const GRACE_MS = 2000;

/**
 * Some of the calls of a wide round, so that no history and no workflow has to hold them all. It spends no more than its
 * allowance, and says which calls that did not reach. Asked to stop it ends with what it has: no spend is lost by it.
 */
export async function callBatch(input: CallBatchInput): Promise<CallBatchResult> {
  const { key, journal, round, card, cache, allowance, promptBytes, ...batch } = parse(input);
  const { calls, costUsd, tokens, computeMs } = allowance;
  const book = {
    // A batch has no turns and no clock of its own.
    resolved: { budget: { turns: 1, calls, costUsd, tokens, wallClockMs: null, computeMs } },
    spend: NO_SPEND,
  };
  const ledger = new Ledger(book);
  const window = new CallWindow(batch.concurrency);
  const arrivals = new Map<number, Arrival>();
  let paused = false;
  // Signal: the run that sends it has told the person already, and waits for nothing.
  setHandler(pauseTreeSignal, (asked) => {
    paused = asked;
  });
  const ask = async (call: number, together: number): Promise<void> => {
    const summary = `cell ${key.cell} · sub-call ${call - round.firstCall + 1}/${round.callCount}`;
    const asked = { key, journal, call, summary, promptBytes };
    const arrival = await asArrival(async () => {
      await condition(() => !paused);
      return subCall({ book, ledger, card, cache }, asked, together);
    });
    arrivals.set(call, arrival);
    if (arrivals.size % REPORT_EVERY === 0) await reportSpend(ledger.total(), false);
  };
  // What has not been asked when the run stops its batch, never is.
  void CancellationScope.current().cancelRequested.catch(() => window.clear());
  const numbers = [...numbersOf(batch.calls)];
  for (const call of numbers) window.add((together) => ask(call, together));
  window.start();
  const asking = { ended: false };
  void handOverEarly(numbers, arrivals, asking);
  await window.idle();
  asking.ended = true;
  return { ...toResult(numbers, arrivals, book.spend), trail: await seal() };
}

/**
 * When nearly all calls are in, those are handed over, and later the others in turn: one slow call does not hold the
 * rest. Ends with the batch, whose result says all of it again.
 */
async function handOverEarly(
  numbers: readonly number[],
  arrivals: ReadonlyMap<number, Arrival>,
  asking: { ended: boolean },
): Promise<void> {
  const given = new Set<number>();
  try {
    await condition(() => asking.ended || arrivals.size >= NEARLY_ALL * numbers.length);
    while (!asking.ended) {
      if (await condition(() => asking.ended, GRACE_MS)) return;
      const fresh = numbers.filter((call) => arrivals.has(call) && !given.has(call));
      for (const call of fresh) given.add(call);
      const { failed, unasked } = toResult(fresh, arrivals, NO_SPEND);
      const left = new Set([
        ...numbersOf(unasked),
        ...failed.flatMap(({ calls }) => [...numbersOf(calls)]),
      ]);
      const recorded = toRanges(fresh.filter((call) => !left.has(call)));
      await handOver({ recorded, failed });
      await condition(() => asking.ended || arrivals.size > given.size);
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
  }
}

/** The audit finds the batch's calls by it. Also of a batch that was stopped. */
async function seal(): Promise<Digest | null> {
  const { workflowId, runId } = workflowInfo();
  return CancellationScope.nonCancellable(async () => {
    try {
      const sealed = await sealTrail.executeWithOptions({ summary: 'events into the store' }, [
        { workflowId, runId, piece: 0, previous: null },
      ]);
      return sealed.trail;
    } catch (error) {
      // Answers that were paid for outweigh their audit copy.
      log.warn('The trail could not be sealed', { error });
      return null;
    }
  });
}

function toResult(
  numbers: readonly number[],
  arrivals: ReadonlyMap<number, Arrival>,
  spend: Spend,
): CallBatchResult {
  const failed = new FailureGroups();
  const unasked: number[] = [];
  for (const call of numbers) {
    const arrival = arrivals.get(call);
    const isRefused = arrival?.kind === 'failed' && arrival.type === FailureType.budgetExhausted;
    if (arrival === undefined || isRefused) unasked.push(call);
    else if (arrival.kind === 'failed') failed.add(call, arrival);
  }
  return { failed: failed.list, unasked: toRanges(unasked), spend };
}

/** Never a bare ZodError: that would fail the workflow task, which is retried for ever. */
function parse(input: unknown): CallBatchInput {
  const parsed = CallBatchInput.safeParse(input);
  if (parsed.success) return parsed.data;
  throw ApplicationFailure.nonRetryable(
    `The batch is not valid: ${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}.`,
    FailureType.invalidInput,
  );
}
