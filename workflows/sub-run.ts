import {
  ChildWorkflowCancellationType,
  executeChild,
  ParentClosePolicy,
  uuid4,
} from '@temporalio/workflow';
import {
  caps,
  clipBytes,
  RUN_WORKFLOW,
  type RunResult,
  type RunSpec,
  type RunStart,
  type SubRunCall,
} from '../protocol/index.ts';
import { remainingMs } from './budget.ts';
import type { Grant } from './grants.ts';
import { readClock, type RunContext } from './run-context.ts';
import { deriveKey } from './secrets.ts';

/** Runs `rlm_query` as a child run with its own REPL; its input is a value of the parent's heap, by digest. Cancelling the parent cancels it. */
export async function subRun(
  context: RunContext,
  cell: string,
  sub: SubRunCall,
  grant: Grant,
): Promise<RunResult> {
  const { state, start } = context;
  const { budget } = state.resolved;
  const now = start.spec.clock === null ? readClock(context, state) : null;
  const leftMs = remainingMs(state, now);
  const spec: RunSpec = {
    ...start.spec,
    question: sub.prompt,
    inputs:
      sub.context === null
        ? []
        : [
            {
              path: [],
              format: sub.context.format,
              blob: { digest: sub.context.blob, sizeBytes: sub.context.sizeBytes },
              chars: sub.context.sizeBytes,
            },
          ],
    // By name: null would be the default *root* model.
    model: sub.model ?? state.resolved.sub.name,
    subModel: state.resolved.sub.name,
    budget: {
      turns: budget.turns,
      calls: grant.calls,
      costUsd: grant.costUsd,
      tokens: budget.tokens === null ? null : grant.tokens,
      wallClockMs: leftMs === null ? null : Math.max(1, leftMs),
    },
    maxDepth: state.resolved.maxDepth,
    answerSchema: null,
    seed: null,
  };
  const call = `${cell}.${sub.call}`;
  const child: RunStart = {
    spec,
    parent: {
      workflowId: context.workflowId,
      call,
      depth: context.depth + 1,
      secret: deriveKey(state.secret, `sub-run ${call}`),
    },
    searchAttributes: start.searchAttributes,
  };
  const prompt = (sub.prompt.text ?? sub.prompt.head ?? '').replaceAll(/\s+/g, ' ');
  return executeChild<(start: RunStart) => Promise<RunResult>>(RUN_WORKFLOW, {
    // The suffix is drawn in this execution: after a reset the old child's id may still be taken.
    workflowId: `${context.workflowId}/${call}-${uuid4().slice(0, 4)}`,
    args: [child],
    staticSummary: clipBytes(`sub-run ${call} · "${prompt}"`, caps.SUMMARY_BYTES),
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}
