import { CancellationScope, condition, workflowInfo } from '@temporalio/workflow';
import {
  caps,
  clipBytes,
  EMPTY_TEXT,
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

type CellEnd = FinishedCell | RolledBackCell;

/** How long a nearly complete round waits for its last calls. */
const GRACE_MS = 2000;
/** A cell that diverged on replay is run afresh this often in all. */
const CELL_ATTEMPTS = 2;
/** The server ends a run at 51,200 events, and a run continues as new only between turns. */
const MAX_EVENTS = 20_000;

/**
 * Runs one cell to its end: each time it waits, its calls are made by this workflow and delivered, and the step
 * goes on from the longer journal. Settles the run's image, spend and pending edits.
 */
export async function runCell(context: RunContext, cell: string, code: TextRef): Promise<CellEnd> {
  const { state } = context;
  const line = (code.text ?? code.head ?? '').trimStart().split('\n', 1)[0] ?? '';
  let end: CellEnd;
  let attempt = 0;
  do end = await attemptCell(context, { cell, code, line, attempt: ++attempt });
  while (end.kind === 'rolledBack' && end.reason === 'divergence' && attempt < CELL_ATTEMPTS);
  context.round = null;
  if (end.kind === 'finished') {
    state.image = end.image;
    // Only now: the image that a rolled-back cell leaves has not received them.
    state.edits = [];
    const { heapDigest } = end.image;
    state.lastCell = { cell, heapDigest, summary: clipBytes(line, 150) };
  }
  return end;
}

interface Attempt {
  cell: string;
  code: TextRef;
  /** First line of the code, for summaries. */
  line: string;
  attempt: number;
}

async function attemptCell(
  context: RunContext,
  { cell, code, line, attempt }: Attempt,
): Promise<CellEnd> {
  const { state } = context;
  const { runCell: step } = replActivities(state);
  const input: RunCellInput = {
    key: { workflowId: context.workflowId, cell, cellAttempt: attempt },
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
  const advance = async (
    summary: string,
    more: Partial<RunCellInput>,
  ): Promise<CellEnd | WaitingCell> => {
    context.phase = 'computing';
    const outcome = await step.executeWithOptions(
      { summary: clipBytes(summary, caps.SUMMARY_BYTES) },
      [{ ...input, ...more }],
    );
    state.spend.computeMs += outcome.computeMs;
    return outcome;
  };

  context.cell = cell;
  const pending = new PendingCalls();
  const window = new CallWindow(state.resolved.concurrency);
  // Calls belong to the cell: when it ends, whichever way, none goes on unseen.
  const scope = new CancellationScope();
  try {
    let outcome = await advance(`cell ${cell} · ${line}`, {});
    for (let round = 1; outcome.kind === 'waiting'; round++) {
      if (workflowInfo().historyLength > MAX_EVENTS) return tooManyRounds(outcome);
      const waiting = outcome;
      await scope.run(async () =>
        answerCalls(context, { key: input.key, waiting, pending, window }),
      );
      await arrivals(context, pending, waiting);
      const delivery = pending.deliver(readClock(context, state));
      outcome = await advance(`cell ${cell} · goes on after round ${round}`, {
        journal: waiting.journal,
        delivery,
      });
    }
    return outcome;
  } finally {
    window.clear();
    scope.cancel();
    await window.idle();
  }
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

function tooManyRounds({ way }: WaitingCell): RolledBackCell {
  return {
    kind: 'rolledBack',
    reason: 'limit',
    message:
      'The cell made calls one after another for too long. Variables are as before it; make independent calls at once (llm_query_batched), and fewer of them.',
    stdout: EMPTY_TEXT,
    stderr: EMPTY_TEXT,
    computeMs: 0,
    way,
  };
}
