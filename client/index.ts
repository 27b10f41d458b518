export { type AnswerSchema, toJsonSchema, typedAnswer } from './answer-schema.ts';
export type { CheckedCitation } from '../protocol/index.ts';
export { InvalidRequest, RunCancelled, RunFailed, ServerUnavailable } from './errors.ts';
export { type ConnectOptions, RlmClient, type RunAnswer, type StartedRun } from './rlm-client.ts';
export type { RunRequest } from './run-request.ts';
export type { RunTree } from './run-views.ts';
export type { RunSteering } from './run-steering.ts';
export type { RunSchedules, ScheduledRuns, ScheduleTiming } from './run-schedules.ts';
export { FileBytes, type InputValue, LocalFiles, RemoteFiles } from '../store/index.ts';
