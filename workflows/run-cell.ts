import { CancellationScope, condition, workflowInfo } from '@temporalio/workflow';
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
import { firstInput } from './cell-input.ts';
import { carryOver } from './end-run.ts';
import { PendingCalls } from './rounds.ts';
import { readClock, replActivities, type RunContext } from './run-context.ts';
import { takeEdits, whilePaused } from './steering-state.ts';
import type { StoppedCell, TurnUnderWay } from './turn-under-way.ts';

type CellEnd = FinishedCell | RolledBackCell;

/** How long a nearly complete round waits for its last calls. */
const GRACE_MS = 2000;
/** A cell that diverged on replay is run afresh this often in all. */
const CELL_ATTEMPTS = 2;
/** Equal prompts of one round that are worth a word. */
const MANY_REPEATS = 3;

/**
 * Runs one cell of a turn to its end: each time it waits, its calls are made by this workflow and delivered, and the
 * step goes on from the longer journal. Settles the run's image, spend and pending edits.
 */
export async function runCell(
  context: RunContext,
  turn: TurnUnderWay,
  cell: string,
  code: TextRef,
): Promise<CellEnd> {
  const { state } = context;
  const line = (code.text ?? code.head ?? '').trimStart().split('\n', 1)[0] ?? '';
  context.cell = cell;
  let end: CellEnd;
  if (turn.stopped === null) {
    await whilePaused(context);
    takeEdits(context);
    end = await new CellRun(context, turn, firstInput(context, cell, code), line).begin();
  } else {
    const { stopped } = turn;
    turn.stopped = null;
    end = await new CellRun(context, turn, stopped.input, line).goOn(stopped);
  }
  for (let attempt = 2; isDiverged(end) && attempt <= CELL_ATTEMPTS; attempt++) {
    const input = firstInput(context, cell, code);
    const key = { ...input.key, cellAttempt: attempt };
    end = await new CellRun(context, turn, { ...input, key }, line).begin();
  }
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

function isDiverged(end: CellEnd): boolean {
  return end.kind === 'rolledBack' && end.reason === 'divergence';
}

/** One attempt of a cell. */
class CellRun {
  readonly #context: RunContext;
  readonly #turn: TurnUnderWay;
  readonly #input: RunCellInput;
  /** First line of the code, for summaries. */
  readonly #line: string;
  readonly #pending = new PendingCalls();
  readonly #window: CallWindow;

  constructor(context: RunContext, turn: TurnUnderWay, input: RunCellInput, line: string) {
    this.#context = context;
    this.#turn = turn;
    this.#input = input;
    this.#line = line;
    this.#window = new CallWindow(context.state.resolved.concurrency);
  }

  async begin(): Promise<CellEnd> {
    const { cell } = this.#input.key;
    const outcome = await this.#step(`cell ${cell} · ${this.#line}`, {});
    return outcome.kind === 'waiting' ? this.#rounds(outcome, 1) : outcome;
  }

  /** In another execution than the one that began it. */
  goOn({ waiting, round }: StoppedCell): Promise<CellEnd> {
    return this.#rounds(waiting, round, true);
  }

  async #rounds(first: WaitingCell, firstRound: number, isResumed = false): Promise<CellEnd> {
    const context = this.#context;
    const pending = this.#pending;
    // Calls belong to the cell: when it ends, whichever way, none goes on unseen.
    const scope = new CancellationScope();
    try {
      let outcome: CellEnd | WaitingCell = first;
      for (let round = firstRound; outcome.kind === 'waiting'; round++) {
        const waiting: WaitingCell = outcome;
        // Each execution gets at least one round done.
        const mayPass = round > firstRound || !isResumed;
        if (pending.total === 0 && mayPass && isLong()) {
          this.#turn.stopped = { input: this.#input, round, waiting };
          await carryOver(context);
        }
        noteRepeats(context, waiting);
        const { key } = this.#input;
        await scope.run(async () =>
          answerCalls(context, { key, waiting, pending, window: this.#window }),
        );
        await this.#arrivals(waiting);
        const delivery = pending.deliver(readClock(context, context.state));
        outcome = await this.#step(`cell ${key.cell} · goes on after round ${round}`, {
          journal: waiting.journal,
          delivery,
        });
      }
      return outcome;
    } finally {
      this.#window.clear();
      scope.cancel();
      await this.#window.idle();
    }
  }

  async #step(summary: string, more: Partial<RunCellInput>): Promise<CellEnd | WaitingCell> {
    const { state } = this.#context;
    this.#context.phase = 'computing';
    const outcome = await replActivities(state).runCell.executeWithOptions(
      { summary: clipBytes(summary, caps.SUMMARY_BYTES) },
      [{ ...this.#input, ...more }],
    );
    state.spend.computeMs += outcome.computeMs;
    return outcome;
  }

  /**
   * Waits until the round may be delivered: all of it, or nearly all and a grace has passed. A fixed clock delivers whole
   * rounds only, so that runs repeat exactly; so does a run that is to be carried over, so that nothing is under way then.
   */
  async #arrivals({ callCount }: WaitingCell): Promise<void> {
    const context = this.#context;
    const pending = this.#pending;
    context.phase = 'calling';
    context.round = { answered: pending.arrivedCount, total: pending.total };
    if (callCount === 0 && pending.total === 0) {
      throw new Error(`Cell ${context.cell} waits for calls that it never made.`);
    }
    const isWhole = context.start.spec.clock !== null;
    await condition(() => (isWhole ? pending.complete : pending.nearlyComplete));
    if (!pending.complete) await condition(() => pending.complete, GRACE_MS);
    if (isLong()) await condition(() => pending.settled);
  }
}

/** Whether this execution's history has grown so long that the run goes on in another. */
export function isLong(): boolean {
  return workflowInfo().continueAsNewSuggested;
}

function noteRepeats(context: RunContext, { callCount, repeatCount = 0 }: WaitingCell): void {
  if (repeatCount < MANY_REPEATS) return;
  const different = callCount - repeatCount;
  const how =
    context.state.resolved.cache === 'run'
      ? 'each was asked once, and its answer given to all that are equal.'
      : 'each was asked and paid for on its own, as samples of a vote are.';
  context.note(
    `Of the ${callCount} calls that cell ${context.cell} made at once only ${different} ${different === 1 ? 'prompt is' : 'prompts are'} different; ${how}`,
  );
}
