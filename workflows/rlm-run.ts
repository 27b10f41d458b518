import {
  defineQuery,
  isCancellation,
  setHandler,
  TemporalFailure,
  workflowInfo,
} from '@temporalio/workflow';
import {
  DRAFT_QUERY,
  type EndReason,
  type Progress,
  PROGRESS_QUERY,
  type RunResult,
  type RunStart,
} from '../protocol/index.ts';
import { askRoot } from './ask-root.ts';
import { reachedLimit, remainingMs } from './budget.ts';
import { checkDraft } from './check-draft.ts';
import { carryOver, finish, leaveDraft } from './end-run.ts';
import { parseCarried, parseStart } from './parse-start.ts';
import { prepareRun } from './prepare-run.ts';
import { progressOf, report, reportUnopened } from './report.ts';
import { runCell } from './run-cell.ts';
import { openContext, readClock, type RunContext } from './run-context.ts';
import { toRunFailure } from './run-failure.ts';
import { type EndedCell, observe, settleTurn } from './settle-turn.ts';
import { within } from './wall-clock.ts';

/** Refused answers (schema, emptiness) after which a run ends with the draft as it is. */
const REFUSED_ANSWERS = 3;

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
  setHandler(defineQuery<Progress['draft']>(DRAFT_QUERY), () => context?.state.draft ?? null);

  try {
    const state =
      start.carried === undefined
        ? await prepareRun(workflowId, start)
        : parseCarried(start.carried);
    const opened = openContext(workflowId, start, state);
    context = opened;
    const now = start.spec.clock === null ? readClock(opened, state) : null;
    const reason = await within(remainingMs(state, now), 'wallClock', () => takeTurns(opened));
    return await finish(opened, reason);
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
    const limit = reachedLimit(state, start.spec.clock === null ? readClock(context, state) : null);
    if (limit !== null) return limit;
    if (workflowInfo().continueAsNewSuggested) await carryOver(context);

    state.turn++;
    state.spend.turns++;
    report(context, 'running');
    const reply = await askRoot(context);
    const cells: EndedCell[] = [];
    for (const [index, code] of reply.cells.entries()) {
      const cell = `${state.turn}.${index + 1}`;
      const end = await runCell(context, cell, code);
      cells.push({ cell, end });
      // Later blocks of the reply assumed that this one worked.
      if (end.kind === 'rolledBack' || end.error !== null) break;
    }

    const verdict = settleTurn(state, reply, cells);
    if (verdict.kind === 'noCode') return 'noCode';
    let notes = verdict.notes;
    if (verdict.kind === 'ready') {
      const refused = await checkDraft(context, verdict.draft);
      if (refused === null) return 'answered';
      if (state.refusedAnswers >= REFUSED_ANSWERS) return 'invalidAnswer';
      notes = [...notes, ...refused];
    }
    state.observation = observe(
      state,
      cells,
      notes,
      verdict.kind === 'ready' ? null : verdict.draft,
    );
  }
}
