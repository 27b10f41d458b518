import {
  CancellationScope,
  ChildWorkflowCancellationType,
  condition,
  ParentClosePolicy,
  proxyActivities,
  startChild,
  uuid4,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import {
  type Allowance,
  caps,
  clipBytes,
  FailureType,
  type FindAnswerInput,
  RUN_WORKFLOW,
  type RunResult,
  type RunSpec,
  type RunStart,
  type Spend,
  type SubRunCall,
} from '../protocol/index.ts';
import { LIGHT } from './activity-options.ts';
import { exhausted, remainingMs } from './budget.ts';
import { NO_SPEND } from './ledger.ts';
import { pauseTreeSignal } from './pause-tree.ts';
import type { Arrival } from './rounds.ts';
import { readClock, type RunContext } from './run-context.ts';
import { spendOfFailure } from './run-failure.ts';
import { deriveKey } from './secrets.ts';

const { findAnswer, recordSubRun } = proxyActivities<Activities>(LIGHT);

/**
 * Answers `rlm_query` by a child run with its own REPL and a share of the budget. Its answer is recorded like that of a
 * sub-call, so that a reset run finds it. A sub-run that fails is a failed result; what it spent counts all the same.
 */
export async function subRunArrival(
  context: RunContext,
  at: FindAnswerInput,
  sub: SubRunCall,
  together: number,
): Promise<Arrival> {
  const { ledger } = context;
  // The suffix is drawn in this execution: after a reset the old child's id may still be taken.
  const path = `${at.key.cell}.${sub.call}`;
  const workflowId = `${context.workflowId}/${path}-${uuid4().slice(0, 4)}`;
  const allowance = await take(context, workflowId, together);
  if (typeof allowance === 'string') {
    return { kind: 'failed', type: FailureType.budgetExhausted, message: allowance };
  }
  let spent: Spend | null = NO_SPEND;
  try {
    const found = await findAnswer.executeWithOptions(
      { summary: `sub-run ${path} · answered before?` },
      [at],
    );
    if (found.spend !== null) {
      spent = withItself(found.spend);
      return { kind: 'recorded' };
    }
    // Until it is known better: a sub-run that cannot say what it spent has spent its grant.
    if (!CancellationScope.current().consideredCancelled) spent = null;
    const result = await startSubRun(context, { workflowId, path, sub, allowance });
    spent = withItself(result.spend);
    if (result.answer === null) {
      const message = `The sub-run ended without a draft (${result.reason}).`;
      return { kind: 'failed', type: 'SubRun.NoAnswer', message };
    }
    const { answer, models, spend, reason } = result;
    const recorded = { text: answer.digest, model: models.root, spend, reason };
    await recordSubRun.executeWithOptions({ summary: `sub-run ${path} · its answer` }, [
      { ...at, ...recorded },
    ]);
    if (reason === 'answered') return { kind: 'recorded' };
    const note = `What sub-run ${path} gave is partial: it ended early (${reason}) with its best draft (\`.finish_reason\` says so).`;
    return { kind: 'recorded', note };
  } catch (error) {
    const said = spendOfFailure(error);
    if (said !== null) spent = withItself(said);
    throw error;
  } finally {
    ledger.close(workflowId, spent);
  }
}

/** A sub-run counts as a call beside those that it makes. */
function withItself(spend: Spend): Spend {
  return { ...NO_SPEND, usage: spend.usage, computeMs: spend.computeMs, calls: spend.calls + 1 };
}

/** Opens the sub-run's row with its share, once there is any; or says why it cannot start. Shares of shares never add up to more than there is. */
async function take(
  { state, ledger }: RunContext,
  row: string,
  together: number,
): Promise<Allowance | string> {
  const one = { calls: 1, costUsd: 0, tokens: null, computeMs: null };
  const mayStart = (): boolean =>
    exhausted(state.resolved.budget, state.spend) === null && ledger.affords(one);
  while (!mayStart()) {
    if (ledger.open === 0) {
      const over = exhausted(state.resolved.budget, state.spend);
      return `Not started: ${over ?? 'nothing is left of the budget'}.`;
    }
    await condition(() => ledger.open === 0 || mayStart());
  }
  const share = ledger.share(together);
  ledger.grant(row, { ...share, calls: Math.max(1, share.calls) });
  return share;
}

async function startSubRun(
  context: RunContext,
  child: { workflowId: string; path: string; sub: SubRunCall; allowance: Allowance },
): Promise<RunResult> {
  const { state, start } = context;
  const { path, sub, workflowId } = child;
  const run: RunStart = {
    spec: specOf(context, sub, child.allowance),
    parent: {
      workflowId: context.workflowId,
      call: path,
      scope: `${context.scope}/${path}`,
      depth: context.depth + 1,
      secret: deriveKey(state.secret, `sub-run ${path}`),
    },
    searchAttributes: start.searchAttributes,
  };
  const prompt = (sub.prompt.text ?? sub.prompt.head ?? '').replaceAll(/\s+/g, ' ');
  const handle = await startChild<(start: RunStart) => Promise<RunResult>>(RUN_WORKFLOW, {
    workflowId,
    args: [run],
    staticSummary: clipBytes(`sub-run ${path} · "${prompt}"`, caps.SUMMARY_BYTES),
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  context.subRuns.add(workflowId);
  try {
    // Paused while it was being started: it must learn that too.
    if (state.steering.paused) await handle.signal(pauseTreeSignal, true);
    return await handle.result();
  } finally {
    context.subRuns.delete(workflowId);
  }
}

/** The parent's spec with another question, the context as its only input, and its share of the budget. */
function specOf(context: RunContext, sub: SubRunCall, allowance: Allowance): RunSpec {
  const { state, start } = context;
  const { budget } = state.resolved;
  const now = start.spec.clock === null ? readClock(context, state) : null;
  const leftMs = remainingMs(state, now);
  const input = sub.context && {
    path: [],
    format: sub.context.format,
    blob: { digest: sub.context.blob, sizeBytes: sub.context.sizeBytes },
    chars: sub.context.chars ?? sub.context.sizeBytes,
  };
  const { from: _, ...inherited } = start.spec;
  return {
    ...inherited,
    question: sub.prompt,
    inputs: input === null ? [] : [input],
    // By name: null would be the default *root* model.
    model: sub.model ?? state.resolved.sub.name,
    subModel: state.resolved.sub.name,
    budget: {
      turns: budget.turns,
      // The sub-run itself is one of the calls of its share.
      calls: Math.max(0, allowance.calls - 1),
      costUsd: allowance.costUsd,
      tokens: atLeastOne(allowance.tokens),
      wallClockMs: leftMs === null ? null : Math.max(1, leftMs),
      computeMs: atLeastOne(allowance.computeMs),
    },
    maxDepth: state.resolved.maxDepth,
    answerSchema: null,
    seed: null,
  };
}

function atLeastOne(limit: number | null): number | null {
  return limit === null ? null : Math.max(1, limit);
}
