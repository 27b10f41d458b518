import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import {
  type AnswerCallResult,
  type CellOutcome,
  NO_USAGE,
  type SealTrailInput,
  type SealTrailResult,
  type StepKey,
} from '../../protocol/index.ts';
import { digestOf, sealHistory, type Store } from '../../store/index.ts';
import { finished } from '../workflows/states.ts';

export interface AuditedActivities {
  runCell(input: { key: StepKey }): Promise<CellOutcome>;
  answerCall(input: { key: StepKey; call: number }): Promise<AnswerCallResult>;
  sealTrail(input: SealTrailInput): Promise<SealTrailResult>;
}

/** Call 1 is answered at once, call 2 on the second attempt from the store, call 3 never. */
export function auditedActivities(store: Store): AuditedActivities {
  return {
    runCell: async ({ key }) => {
      const digest = digestOf(Buffer.from(key.cell));
      return finished({
        image: { blob: digest, heapDigest: digest, storedBytes: 1, heapBytes: 2 },
      });
    },
    answerCall: async ({ call }) => {
      if (call === 3) throw ApplicationFailure.nonRetryable('wrong key', 'Model.Unauthorized');
      const { attempt } = Context.current().info;
      if (call === 2 && attempt === 1)
        throw ApplicationFailure.retryable('busy', 'Model.RateLimited');
      return { status: 'ok', usage: NO_USAGE, repeated: call === 2 };
    },
    sealTrail: async (input) => {
      const handle = Context.current().client.workflow.getHandle(input.workflowId, input.runId);
      const { events } = await handle.fetchHistory();
      return await sealHistory(store, events ?? [], input);
    },
  };
}
