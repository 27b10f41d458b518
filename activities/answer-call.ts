import { answerOne } from '../models/index.ts';
import { AnswerCallInput, AnswerCallResult } from '../protocol/index.ts';
import type { ActivityDeps, ModelActivities } from './contract.ts';
import { withHeartbeat } from './heartbeat.ts';

/** The answer to one sub-call, stored under its record before this completes: a retried, reset or continued run finds it. */
export function createAnswerCall({
  store,
  registry,
}: Pick<ActivityDeps, 'store' | 'registry'>): ModelActivities['answerCall'] {
  return async function answerCall(input: AnswerCallInput): Promise<AnswerCallResult> {
    return withHeartbeat(async ({ attempt, signal, note }) => {
      const call = AnswerCallInput.parse(input);
      return AnswerCallResult.parse(
        await answerOne({
          store,
          registry,
          input: call,
          attempt,
          signal,
          onProgress: (progress) => note({ ...progress }),
        }),
      );
    });
  };
}
