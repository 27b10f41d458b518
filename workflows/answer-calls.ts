import {
  asksOnce,
  type CallRanges,
  type ModelCard,
  type StepKey,
  type SubRunCall,
  type WaitingCell,
  numbersOf,
} from '../protocol/index.ts';
import { asArrival } from './arrival.ts';
import { answerInBatches } from './batched-calls.ts';
import type { CallWindow } from './call-window.ts';
import { type Arrival, type PendingCalls } from './rounds.ts';
import type { RunContext } from './run-context.ts';
import { subCall } from './sub-call.ts';
import { specialCalls } from './special-calls.ts';
import { whilePaused } from './steering-state.ts';
import { subRunArrival } from './sub-run.ts';

export interface CallsOfCell {
  key: StepKey;
  waiting: WaitingCell;
  pending: PendingCalls;
  window: CallWindow;
  /** Those that have an answer already. */
  reused: CallRanges;
}

/** More sub-calls in one round than this go to batches: each is three events of a history. */
const WIDE_ROUND = 500;

/** Starts the new calls of a waiting cell: one activity per sub-call, one child workflow per sub-run. Each ends as an arrival, whatever happens. */
export function answerCalls(context: RunContext, calls: CallsOfCell): void {
  const { waiting, pending } = calls;
  const { cache, maxDepth } = context.state.resolved;
  const repeats = new Set(asksOnce(cache) ? numbersOf(waiting.repeats ?? []) : []);
  const answered = new Set(numbersOf(calls.reused));
  const subRuns = new Map(waiting.subRuns.map((sub) => [sub.call, sub]));
  if (subRuns.size > 0 && context.depth >= maxDepth) {
    subRuns.clear();
    context.note(
      `rlm_query was answered by llm_query: sub-runs of this run may be nested ${maxDepth} deep, and it is at depth ${context.depth}.`,
    );
  }
  const first: number[] = [];
  for (let i = 0; i < waiting.callCount; i++) {
    const call = waiting.firstCall + i;
    pending.add(call);
    if (answered.has(call)) pending.arrive(call, { kind: 'recorded' });
    else if (!repeats.has(call)) first.push(call);
  }
  const asked = start(context, calls, first, subRuns);
  // A repeated prompt finds the answer of the first one, once that is recorded.
  if (repeats.size > 0) {
    const later = [...repeats].filter((call) => !answered.has(call));
    void Promise.all(asked).then(() => start(context, calls, later, subRuns));
  }
}

/** Each call has ended when its promise resolves; none rejects. */
function start(
  context: RunContext,
  calls: CallsOfCell,
  numbers: readonly number[],
  subRuns: ReadonlyMap<number, SubRunCall>,
): Promise<void>[] {
  const { key, waiting } = calls;
  const ended: Promise<void>[] = [];
  const plain: number[] = [];
  const special = specialCalls(context, key, waiting);
  for (const call of numbers) {
    const sub = subRuns.get(call);
    const other = special.get(call);
    if (other !== undefined) ended.push(enter(context, calls, call, other.make, other.isFree));
    else if (sub === undefined) plain.push(call);
    else {
      const at = { key, journal: waiting.journal, call };
      ended.push(
        enter(context, calls, call, (together) => subRunArrival(context, at, sub, together)),
      );
    }
  }
  for (const [card, its] of byCard(context, waiting, plain)) {
    if (plain.length > WIDE_ROUND) ended.push(answerInBatches(context, calls, its, card));
    else {
      for (const call of its) {
        ended.push(
          enter(context, calls, call, (together) => oneCall(context, calls, call, card, together)),
        );
      }
    }
  }
  calls.window.start();
  return ended;
}

/** The sub-calls by the model that they are asked of: the run's own unless they name another that the deployment names. */
function byCard(
  { state }: RunContext,
  { models = [] }: WaitingCell,
  numbers: readonly number[],
): Map<ModelCard, number[]> {
  const { sub, others = [] } = state.resolved;
  const cards = new Map<number, ModelCard>();
  for (const { model, calls } of models) {
    const card = others.find(({ name }) => name === model);
    if (card !== undefined) for (const call of numbersOf(calls)) cards.set(call, card);
  }
  const groups = new Map<ModelCard, number[]>();
  for (const call of numbers) {
    const card = cards.get(call) ?? sub;
    const group = groups.get(card);
    if (group === undefined) groups.set(card, [call]);
    else group.push(call);
  }
  return groups;
}

/** A call that is free takes no seat in the window. */
function enter(
  context: RunContext,
  { pending, window }: CallsOfCell,
  call: number,
  make: (together: number) => Promise<Arrival>,
  isFree = false,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const run = async (together: number): Promise<void> => {
    pending.arrive(
      call,
      await asArrival(async () => {
        await whilePaused(context);
        return make(together);
      }),
    );
    if (context.round !== null) context.round.answered = pending.arrivedCount;
    resolve();
  };
  if (isFree) void run(0);
  else window.add(run);
  return promise;
}

function oneCall(
  { state, ledger }: RunContext,
  { key, waiting }: CallsOfCell,
  call: number,
  card: ModelCard,
  together: number,
): Promise<Arrival> {
  const index = call - waiting.firstCall;
  const preview = waiting.previews[index] ?? '';
  const summary = `cell ${key.cell} · sub-call ${index + 1}/${waiting.callCount}${preview === '' ? '' : ` · "${preview}"`}`;
  const { cache } = state.resolved;
  const promptBytes = waiting.longestPromptBytes ?? 0;
  const asked = { key, journal: waiting.journal, call, summary, promptBytes };
  return subCall({ book: state, ledger, card, cache }, asked, together);
}
