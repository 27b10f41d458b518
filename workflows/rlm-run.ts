import {
  defineQuery,
  defineSignal,
  isCancellation,
  setHandler,
  TemporalFailure,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type Draft,
  DRAFT_QUERY,
  DRAFTS_QUERY,
  type EndReason,
  HAND_OVER_SIGNAL,
  type HandOver,
  type Progress,
  PROGRESS_QUERY,
  REPORT_SPEND_SIGNAL,
  type RunBranch,
  type RunResult,
  type RunStart,
  type SpendReport,
  TREE_QUERY,
} from '../protocol/index.ts';
import { askRoot } from './ask-root.ts';
import { reachedLimit } from './budget.ts';
import { checkDraft, REFUSED_ANSWERS } from './check-draft.ts';
import { correctFirst, reasonOfEnd } from './citations.ts';
import { numberDraft } from './drafts.ts';
import { carryOver, finish, leaveDraft } from './end-run.ts';
import { observe } from './observe.ts';
import { parseCarried, parseStart } from './parse-start.ts';
import { prepareRun } from './prepare-run.ts';
import { branchOf, progressOf, report, reportUnopened, statusLine } from './report.ts';
import { reportRunSpend, takeOver, takeReport } from './report-spend.ts';
import { isLong, runCell } from './run-cell.ts';
import { keepOutput } from './keep-output.ts';
import { openContext, readClock, type RunContext } from './run-context.ts';
import { shownDraft } from './shown-draft.ts';
import { toRunFailure } from './run-failure.ts';
import { settleTurn } from './settle-turn.ts';
import { installSteering } from './steering.ts';
import { takeMessages, unreadFirst, whilePaused } from './steering-state.ts';
import type { TurnUnderWay } from './turn-under-way.ts';
import { untilStopped } from './wall-clock.ts';

/**
 * One run of a Recursive Language Model: the root model writes Python, the REPL runs it, its sub-calls are made
 * here in parallel, and the model goes on from what it is shown until it sets `answer["ready"]` or a limit ends it.
 * Fails with InvalidInput for a wrong spec, and with the model's failure when the root model cannot be called.
 */
export async function rlmRun(input: RunStart): Promise<RunResult> {
  const start = parseStart(input);
  const { workflowId } = workflowInfo();
  let context: RunContext | undefined;
  // Queries, because they only read: they cost no history event and nothing waits for them.
  setHandler(defineQuery<Progress | null>(PROGRESS_QUERY), () =>
    context === undefined ? null : progressOf(context),
  );
  setHandler(defineQuery<Progress['draft']>(DRAFT_QUERY), () =>
    context === undefined ? null : shownDraft(context.state),
  );
  setHandler(defineQuery<Draft[]>(DRAFTS_QUERY), () => context?.state.drafts ?? []);
  setHandler(defineQuery<RunBranch | null>(TREE_QUERY), () =>
    context === undefined ? null : branchOf(context),
  );

  // A signal, because the child that sends it waits for no answer.
  setHandler(defineSignal<[SpendReport]>(REPORT_SPEND_SIGNAL), (said) => {
    if (context !== undefined) takeReport(context, said);
  });
  // A signal too: a batch goes on whether or not its run takes what is there already.
  setHandler(defineSignal<[HandOver]>(HAND_OVER_SIGNAL), (given) => {
    if (context !== undefined) takeOver(context, given);
  });
  installSteering(() => context);

  try {
    const state =
      start.carried === undefined
        ? await prepareRun(workflowId, start)
        : parseCarried(start.carried);
    const opened = openContext(workflowId, start, state);
    context = opened;
    const reason = await untilStopped(opened, () => takeTurns(opened));
    return await finish(opened, reasonOfEnd(opened.state, reason));
  } catch (error) {
    // Continue-as-new is no end, and a fault of this code is retried with the next version of it.
    if (!(error instanceof TemporalFailure)) throw error;
    const status = isCancellation(error) ? 'cancelled' : 'failed';
    if (context === undefined) reportUnopened(start, status);
    else await leaveDraft(context, status);
    throw status === 'cancelled' ? error : toRunFailure(error, context?.state.spend ?? null);
  }
}

async function takeTurns(context: RunContext): Promise<EndReason> {
  const { state, start } = context;
  for (;;) {
    if (state.underWay === null) {
      await whilePaused(context);
      const now = start.spec.clock === null ? readClock(context, state) : null;
      const limit = reachedLimit(state, now) ?? (await beginTurn(context));
      if (limit !== null) return limit;
    }
    const { reply, ended } = await runCells(context);

    const verdict = settleTurn(state, reply, ended, start.spec.confirm);
    if (verdict.kind === 'over') {
      // For the answer that may be asked for at the end.
      state.observation = observe(context, ended, verdict.notes, null);
      return verdict.reason;
    }
    let notes = [...state.notes.splice(0), ...verdict.notes];
    if (verdict.kind === 'ready') {
      const refused =
        (await checkDraft(context, verdict.draft)) ??
        (await correctFirst(context)) ??
        unreadFirst(context);
      if (refused === null) return 'answered';
      if (state.refusedAnswers >= REFUSED_ANSWERS) return 'invalidAnswer';
      notes = [...notes, ...refused];
    }
    state.observation = observe(
      context,
      ended,
      notes,
      verdict.kind === 'ready' ? null : verdict.draft,
    );
  }
}

/** Asks the root model for its next reply. Returns the limit when the budget does not pay for it. */
async function beginTurn(context: RunContext): Promise<EndReason | null> {
  const { state } = context;
  if (isLong()) await carryOver(context);
  state.turn++;
  state.spend.turns++;
  report(context, 'running');
  takeMessages(context, statusLine(context));
  const [reply] = await Promise.all([askRoot(context), reportRunSpend(state.spend, false)]);
  if (reply === null) {
    state.turn--;
    state.spend.turns--;
    return 'budget';
  }
  state.observation = null;
  state.underWay = { reply, ended: [], stopped: null };
  return null;
}

/** Runs the cells of the reply, from where an earlier execution left off. */
async function runCells(context: RunContext): Promise<TurnUnderWay> {
  const { state } = context;
  const turn = state.underWay;
  if (turn === null) throw new Error('No turn is under way.');
  for (const code of turn.reply.cells.slice(turn.ended.length)) {
    if (isLong() && turn.stopped === null) await carryOver(context);
    const cell = `${state.turn}.${turn.ended.length + 1}`;
    const end = await runCell(context, turn, cell, code);
    turn.ended.push({ cell, end });
    numberDraft(state, { cell, end });
    keepOutput(state, { cell, end });
    // Later blocks of the reply assumed that this one worked.
    if (end.kind === 'rolledBack' || end.error !== null) break;
  }
  state.underWay = null;
  return turn;
}
