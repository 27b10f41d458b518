import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  isCancellation,
} from '@temporalio/workflow';
import {
  addUsage,
  caps,
  clipBytes,
  FailureType,
  type RunResult,
  type StepKey,
  type SubRunCall,
  type WaitingCell,
} from '../protocol/index.ts';
import { exhausted } from './budget.ts';
import type { CallWindow } from './call-window.ts';
import { addGrant, shareOf, spentWhole } from './grants.ts';
import type { Arrival, PendingCalls } from './rounds.ts';
import { modelActivities, type RunContext } from './run-context.ts';
import { spendOfFailure } from './run-failure.ts';
import { subRun } from './sub-run.ts';

export interface CallsOfCell {
  key: StepKey;
  waiting: WaitingCell;
  pending: PendingCalls;
  window: CallWindow;
}

/** Starts the new calls of a waiting cell: one activity per sub-call, one child workflow per sub-run. Each ends as an arrival, whatever happens. */
export function answerCalls(context: RunContext, calls: CallsOfCell): void {
  const { waiting, pending, window } = calls;
  const subRuns = new Map(waiting.subRuns.map((call) => [call.call, call]));
  for (let i = 0; i < waiting.callCount; i++) {
    const call = waiting.firstCall + i;
    const sub = subRuns.get(call);
    pending.add(call);
    window.add(async () => {
      const arrival = await settle(() =>
        sub !== undefined && context.depth < context.state.resolved.maxDepth
          ? subRunArrival(context, calls, sub)
          : subCallArrival(context, calls, call, `${i + 1}/${waiting.callCount}`, i),
      );
      pending.arrive(call, arrival);
      if (context.round !== null) context.round.answered = pending.arrivedCount;
    });
  }
}

/** A failure of a call is its result, not the run's: the model sees it in its slot. */
async function settle(make: () => Promise<Arrival>): Promise<Arrival> {
  try {
    return await make();
  } catch (error) {
    return { kind: 'failed', ...describe(error) };
  }
}

function describe(error: unknown): { type: string; message: string } {
  if (isCancellation(error)) return { type: 'Cancelled', message: 'The call was cancelled.' };
  const wrapped = error instanceof ActivityFailure || error instanceof ChildWorkflowFailure;
  let cause: unknown = wrapped ? (error.cause ?? error) : error;
  // A failed sub-run carries the failure of its activity one level deeper.
  if (cause instanceof ActivityFailure) cause = cause.cause ?? cause;
  const message = clipBytes(cause instanceof Error ? cause.message : String(cause), 400);
  if (cause instanceof ApplicationFailure) return { type: cause.type ?? 'Failed', message };
  return { type: cause instanceof Error ? cause.name : 'Failed', message };
}

async function subCallArrival(
  context: RunContext,
  { key, waiting }: CallsOfCell,
  call: number,
  position: string,
  index: number,
): Promise<Arrival> {
  const { state } = context;
  const over = exhausted(state.resolved.budget, state.spend, context.granted);
  if (over !== null) {
    return { kind: 'failed', type: FailureType.budgetExhausted, message: `Not asked: ${over}.` };
  }
  // Counted when it starts, so that parallel calls cannot pass the limit together.
  state.spend.calls++;
  const preview = waiting.previews[index] ?? '';
  const result = await modelActivities(state.resolved.sub).answerCall.executeWithOptions(
    {
      summary: clipBytes(
        `cell ${key.cell} · sub-call ${position}${preview === '' ? '' : ` · "${preview}"`}`,
        caps.SUMMARY_BYTES,
      ),
    },
    [
      {
        key,
        journal: waiting.journal,
        call,
        card: state.resolved.sub,
      },
    ],
  );
  state.spend.usage = addUsage(state.spend.usage, result.usage);
  return { kind: 'recorded' };
}

async function subRunArrival(
  context: RunContext,
  { key }: CallsOfCell,
  sub: SubRunCall,
): Promise<Arrival> {
  const { state } = context;
  const { budget } = state.resolved;
  const over = exhausted(budget, state.spend, context.granted);
  if (over !== null) {
    return { kind: 'failed', type: FailureType.budgetExhausted, message: `Not started: ${over}.` };
  }
  state.spend.calls++;
  const grant = shareOf(budget, state.spend, context.granted);
  context.granted = addGrant(context.granted, grant, 1);
  let spend = spentWhole(grant);
  try {
    const result = await subRun(context, key.cell, sub, grant);
    spend = result.spend;
    return arrivalOf(result);
  } catch (error) {
    spend = spendOfFailure(error) ?? spend;
    throw error;
  } finally {
    context.granted = addGrant(context.granted, grant, -1);
    state.spend.calls += spend.calls;
    state.spend.computeMs += spend.computeMs;
    state.spend.usage = addUsage(state.spend.usage, spend.usage);
  }
}

function arrivalOf({ answer, reason, models, spend }: RunResult): Arrival {
  if (answer === null) {
    const message = `The sub-run ended without a draft (${reason}).`;
    return { kind: 'failed', type: 'SubRun.NoAnswer', message };
  }
  return { kind: 'subRun', text: answer.digest, model: models.root, usage: spend.usage };
}
