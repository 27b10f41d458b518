import { condition } from '@temporalio/workflow';
import {
  caps,
  clipBytes,
  type FinishedCell,
  type RolledBackCell,
  type RunCellInput,
  type TextRef,
  type WaitingCell,
} from '../protocol/index.ts';
import { answerCalls } from './answer-calls.ts';
import { CallWindow } from './call-window.ts';
import { PendingCalls } from './rounds.ts';
import { readClock, replActivities, type RunContext } from './run-context.ts';
import { deriveKey } from './secrets.ts';

/** How long a nearly complete round waits for its last calls. */
const GRACE_MS = 2000;

/**
 * Runs one cell to its end: each time it waits, its calls are made by this workflow and delivered, and the step
 * goes on from the longer journal. Settles the run's image, spend and pending edits.
 */
export async function runCell(
  context: RunContext,
  cell: string,
  code: TextRef,
): Promise<FinishedCell | RolledBackCell> {
  const { state } = context;
  const { runCell: step } = replActivities(state);
  const firstLine = (code.text ?? code.head ?? '').trimStart().split('\n', 1)[0] ?? '';
  const input: RunCellInput = {
    key: { workflowId: context.workflowId, cell, cellAttempt: 1 },
    runtime: state.resolved.runtime,
    image: state.image,
    edits: state.edits,
    code,
    seed: deriveKey(state.secret, `cell ${cell}`),
    clockMs: readClock(context, state),
    limits: state.resolved.limits,
    journal: null,
    delivery: null,
  };
  const pending = new PendingCalls();
  const window = new CallWindow(state.resolved.concurrency);
  const advance = (summary: string, more: Partial<RunCellInput>): ReturnType<typeof step> => {
    context.phase = 'computing';
    return step.executeWithOptions({ summary: clipBytes(summary, caps.SUMMARY_BYTES) }, [
      { ...input, ...more },
    ]);
  };

  context.cell = cell;
  let outcome = await advance(`cell ${cell} · ${firstLine}`, {});
  let computeMs = outcome.computeMs;
  for (let round = 1; outcome.kind === 'waiting'; round++) {
    answerCalls(context, { cell, waiting: outcome, pending, window });
    await arrivals(context, pending, outcome);
    const delivery = pending.deliver(readClock(context, state));
    outcome = await advance(`cell ${cell} · goes on after round ${round}`, {
      journal: outcome.journal,
      delivery,
    });
    computeMs += outcome.computeMs;
  }
  // A rolled-back cell may leave calls that have not started; those in flight settle into their records.
  window.clear();
  context.round = null;
  state.spend.computeMs += computeMs;
  state.edits = [];
  if (outcome.kind === 'finished') {
    state.image = outcome.image;
    state.lastCell = {
      cell,
      heapDigest: outcome.image.heapDigest,
      summary: clipBytes(firstLine, 150),
    };
  }
  return outcome;
}

/** Waits until the round may be delivered: all of it, or nearly all and a grace has passed. A fixed clock delivers whole rounds only, so that runs repeat exactly. */
async function arrivals(
  context: RunContext,
  pending: PendingCalls,
  waiting: WaitingCell,
): Promise<void> {
  context.phase = 'calling';
  context.round = { answered: pending.arrivedCount, total: pending.total };
  if (waiting.callCount === 0 && pending.total === 0) {
    throw new Error(`Cell ${context.cell} waits for calls that it never made.`);
  }
  const whole = context.start.spec.clock !== null;
  await condition(() => (whole ? pending.complete : pending.nearlyComplete));
  if (!pending.complete) await condition(() => pending.complete, GRACE_MS);
}
