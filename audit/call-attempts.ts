import { AnswerCallInput, AnswerCallResult } from '../protocol/index.ts';
import { activitySteps } from './activity-steps.ts';
import type { Trail } from './read-trail.ts';

/** One model call of a cell, as it was made. */
export interface CallAttempts {
  cell: string;
  cellAttempt: number;
  call: number;
  /** Times it was tried; more than one may have been paid more than once. */
  attempts: number;
  /** True when the answer was found stored by the last attempt: it paid nothing. */
  repeated: boolean;
  /** `gaveUp`: retries used up, timeouts or cancelled; `failed`: the provider refused this call for good. */
  status: 'ok' | 'failed' | 'gaveUp' | 'open';
  /** Why there was more than one attempt, else null. */
  retriedAfter: string | null;
}

const CallInput = AnswerCallInput.pick({ key: true, call: true });

/** The calls of a run in the order in which they were answered. */
export function callAttempts(trail: Trail): CallAttempts[] {
  const calls: CallAttempts[] = [];
  for (const { name, input, closed, attempts, retriedAfter } of activitySteps(trail)) {
    const parsed = CallInput.safeParse(input);
    if (name !== 'answerCall' || !parsed.success) continue;
    const { key, call } = parsed.data;
    const result = AnswerCallResult.safeParse(closed?.result);
    const unanswered = closed === null ? 'open' : 'gaveUp';
    calls.push({
      cell: key.cell,
      cellAttempt: key.cellAttempt,
      call,
      attempts,
      repeated: result.data?.repeated ?? false,
      status: result.data?.status ?? unanswered,
      retriedAfter,
    });
  }
  return calls;
}
