import {
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  log,
  makeContinueAsNewFunc,
  proxyActivities,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import {
  type EndReason,
  MEMO_CANCELLED,
  type RunResult,
  type RunStart,
} from '../protocol/index.ts';
import { LIGHT } from './activity-options.ts';
import { citedInResult } from './citations.ts';
import { extractAnswer } from './extract-answer.ts';
import { report } from './report.ts';
import { reportRunSpend } from './report-spend.ts';
import type { RunContext } from './run-context.ts';
import { shownDraft } from './shown-draft.ts';

const { sealTrail } = proxyActivities<Activities>(LIGHT);

/** Ends a run with its answer, or with the best draft and the reason why it is no more than that. */
export async function finish(context: RunContext, reason: EndReason): Promise<RunResult> {
  const { state } = context;
  context.round = null;
  // From here on nobody can tell the run anything: it would not be heeded.
  state.steering.finish = true;
  const extracted = await extractAnswer(context, reason);
  const cited = await citedInResult(context);
  context.phase = 'ended';
  report(context, reason);
  // Whoever was told that a request was taken is told its outcome too.
  await condition(allHandlersFinished);
  try {
    await seal(context);
  } catch (error) {
    // An answer that was paid for outweighs its audit copy; the history still has the events.
    if (isCancellation(error)) throw error;
    log.warn('The trail could not be sealed', { error });
  }
  return {
    reason,
    answer: state.draft?.content ?? null,
    draftVersion: state.draft?.version ?? 0,
    ...(extracted ? { extracted } : {}),
    ...cited,
    spend: state.spend,
    image: state.image,
    trail: state.trail.newest,
    models: {
      root: state.resolved.root.name,
      sub: state.resolved.sub.name,
      standIn: state.resolved.root.standIn || state.resolved.sub.standIn,
    },
  };
}

/** What a run leaves when it is cancelled or fails: its draft and spend in the memo, its events in the store. */
export async function leaveDraft(context: RunContext, reason: string): Promise<void> {
  await CancellationScope.nonCancellable(async () => {
    const { state } = context;
    context.phase = 'ended';
    context.round = null;
    report(context, reason);
    upsertMemo({ [MEMO_CANCELLED]: { draft: shownDraft(state), reason, spent: state.spend } });
    await reportRunSpend(state.spend, true);
    // What ended the run is told, not that its audit copy failed too.
    await seal(context).catch((error: unknown) =>
      log.warn('The trail could not be sealed', { error }),
    );
  });
}

/** Goes on in a new execution with an empty history. Only when nothing is under way: an activity would be lost, a child ended. */
export async function carryOver(context: RunContext): Promise<never> {
  await seal(context);
  // After the last wait: one that came meanwhile would be cut off.
  await condition(allHandlersFinished);
  const { state, start } = context;
  const carried = { ...state, trail: { piece: 0, newest: state.trail.newest } };
  const goOn = makeContinueAsNewFunc<(start: RunStart) => Promise<RunResult>>(
    // Pinned to the version that it began with, it would never leave it.
    workflowInfo().currentDeploymentVersion === undefined
      ? {}
      : { initialVersioningBehavior: 'AUTO_UPGRADE' },
  );
  return goOn({ ...start, carried });
}

async function seal(context: RunContext): Promise<void> {
  const { workflowId, runId } = workflowInfo();
  const { trail } = context.state;
  const sealed = await sealTrail.executeWithOptions({ summary: 'events so far into the store' }, [
    { workflowId, runId, piece: trail.piece, previous: trail.newest },
  ]);
  context.state.trail = { piece: trail.piece + 1, newest: sealed.trail };
}
