import {
  CancellationScope,
  condition,
  patched,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import {
  asksOnce,
  type CallRanges,
  clipBytes,
  type Digest,
  type FinishedCell,
  type RolledBackCell,
  type RunCellInput,
  type TextRef,
  type WaitingCell,
} from '../protocol/index.ts';
import { LIGHT } from './activity-options.ts';
import { answerCalls } from './answer-calls.ts';
import { CallWindow } from './call-window.ts';
import { firstInput } from './cell-input.ts';
import { carryOver } from './end-run.ts';
import { PendingCalls } from './rounds.ts';
import { runStep } from './repl-step.ts';
import { readClock, type RunContext } from './run-context.ts';
import { takeEdits, whilePaused } from './steering-state.ts';
import type { StoppedCell, TurnUnderWay } from './turn-under-way.ts';

type CellEnd = FinishedCell | RolledBackCell;

/** How long a nearly complete round waits for its last calls. */
const GRACE_MS = 2000;
/** A cell that diverged on replay is run afresh this often in all. */
const CELL_ATTEMPTS = 2;
/** What the model is told of a cell that diverged each time. */
const UNREPEATABLE =
  'The cell was rolled back, all variables are as before it: when it was run again with the same answers it made other calls than before. Write it in another way.';
/** Equal prompts of one round that are worth a word. */
const MANY_REPEATS = 3;

/** What an execution does at least before it moves to another version: should it not get there, it would move for ever. */
const LEAST_EVENTS = 30;

const { reuseAnswers } = proxyActivities<Activities>(LIGHT);

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
  let run: CellRun;
  if (turn.stopped === null) {
    await whilePaused(context);
    takeEdits(context);
    run = new CellRun(context, turn, firstInput(context, cell, code), line);
    end = await run.begin();
  } else {
    const { stopped } = turn;
    turn.stopped = null;
    run = new CellRun(context, turn, stopped.input, line, stopped.earlier);
    end = await run.goOn(stopped);
  }
  while (isDiverged(end)) {
    const next = run.afresh();
    if (next === null) {
      end = { ...end, message: UNREPEATABLE };
      break;
    }
    run = next;
    end = await run.begin();
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

function isDiverged(end: CellEnd): end is RolledBackCell {
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
  /** The attempt that diverged before this one, and how far it had come. */
  readonly #earlier: StoppedCell['earlier'];
  /** Of the newest stop. */
  #journal: Digest | null = null;

  constructor(
    context: RunContext,
    turn: TurnUnderWay,
    input: RunCellInput,
    line: string,
    earlier?: StoppedCell['earlier'],
  ) {
    this.#earlier = earlier;
    this.#context = context;
    this.#turn = turn;
    this.#input = input;
    this.#line = line;
    this.#window = new CallWindow(context.state.resolved.concurrency);
  }

  /** The next attempt of the cell, from the same inputs; null when there have been enough. */
  afresh(): CellRun | null {
    const { key } = this.#input;
    const { cellAttempt } = key;
    if (cellAttempt >= CELL_ATTEMPTS) return null;
    const input = { ...this.#input, key: { ...key, cellAttempt: cellAttempt + 1 } };
    const earlier = this.#journal === null ? undefined : { cellAttempt, journal: this.#journal };
    return new CellRun(this.#context, this.#turn, input, this.#line, earlier);
  }

  async begin(): Promise<CellEnd> {
    const { cell, cellAttempt } = this.#input.key;
    const again = cellAttempt === 1 ? '' : `run afresh (${cellAttempt}), its replay diverged · `;
    const outcome = await this.#step(`cell ${cell} · ${again}${this.#line}`, {});
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
        this.#journal = waiting.journal;
        // Each execution gets at least one round done.
        const mayPass = round > firstRound || !isResumed;
        if (pending.total === 0 && mayPass && isLong()) {
          const earlier = this.#earlier && { earlier: this.#earlier };
          this.#turn.stopped = { input: this.#input, round, waiting, ...earlier };
          await carryOver(context);
        }
        noteRepeats(context, waiting);
        const { key } = this.#input;
        const reused = this.#earlier === undefined ? [] : await this.#reuse(waiting, this.#earlier);
        await scope.run(async () =>
          answerCalls(context, { key, waiting, pending, window: this.#window, reused }),
        );
        await this.#arrivals(waiting);
        const delivery = pending.deliver(readClock(context, context.state));
        for (const note of pending.takeNotes()) context.note(note);
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
    this.#context.phase = 'computing';
    const outcome = await runStep(this.#context, summary, { ...this.#input, ...more });
    this.#context.state.spend.computeMs += outcome.computeMs;
    return outcome;
  }

  /** The new calls of a stop that were answered before the cell was run afresh. */
  async #reuse(
    { journal, callCount }: WaitingCell,
    earlier: NonNullable<StoppedCell['earlier']>,
  ): Promise<CallRanges> {
    const { key } = this.#input;
    if (callCount === 0 || !patched('reuse-answers')) return [];
    const { reused } = await reuseAnswers.executeWithOptions(
      { summary: `cell ${key.cell} · answers from before its replay diverged` },
      [{ key, journal, earlier }],
    );
    return reused;
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

/** Whether the run is to go on in another execution: the history of this one has grown long, or there is a newer version of the workers to move to. */
export function isLong(): boolean {
  const { continueAsNewSuggested, targetWorkerDeploymentVersionChanged, historyLength } =
    workflowInfo();
  if (continueAsNewSuggested) return true;
  return targetWorkerDeploymentVersionChanged && historyLength >= LEAST_EVENTS;
}

function noteRepeats(context: RunContext, { callCount, repeatCount = 0 }: WaitingCell): void {
  if (repeatCount < MANY_REPEATS) return;
  const different = callCount - repeatCount;
  const how = asksOnce(context.state.resolved.cache)
    ? 'each was asked once, and its answer given to all that are equal.'
    : 'each was asked and paid for on its own, as samples of a vote are.';
  context.note(
    `Of the ${callCount} calls that cell ${context.cell} made at once only ${different} ${different === 1 ? 'prompt is' : 'prompts are'} different; ${how}`,
  );
}
