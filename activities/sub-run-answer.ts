import { findSubRunAnswer, recordSubRunAnswer } from '../models/index.ts';
import { FindAnswerInput, type FindAnswerResult, RecordSubRunInput } from '../protocol/index.ts';
import type { ActivityDeps, MainActivities } from './contract.ts';
import { withHeartbeat } from './heartbeat.ts';

/** Whether a sub-run had answered this call before the run was reset. */
export function createFindAnswer({
  store,
}: Pick<ActivityDeps, 'store'>): MainActivities['findAnswer'] {
  return async function findAnswer(input: FindAnswerInput): Promise<FindAnswerResult> {
    return withHeartbeat(() => findSubRunAnswer(store, FindAnswerInput.parse(input)));
  };
}

/** Records a sub-run's answer, so that the run that asked finds it like any other. */
export function createRecordSubRun({
  store,
}: Pick<ActivityDeps, 'store'>): MainActivities['recordSubRun'] {
  return async function recordSubRun(input: RecordSubRunInput): Promise<void> {
    return withHeartbeat(() => recordSubRunAnswer(store, RecordSubRunInput.parse(input)));
  };
}
