/** Names that both sides of the wire must agree on. Nobody types one of these twice. */
export const RUN_WORKFLOW = 'rlmRun';
/** Some of the calls of a wide round; a child of the run. */
export const CALL_BATCH_WORKFLOW = 'callBatch';
/** A collection of the store's garbage, as a schedule starts it. */
export const GARBAGE_WORKFLOW = 'garbageCollection';
/** From a sub-run or batch to the run that started it. */
export const REPORT_SPEND_SIGNAL = 'reportSpend';
/** Default of RLM_TASK_QUEUE: workflow tasks and the light activities. The names of the other queues start with it. */
export const DEFAULT_TASK_QUEUE = 'rlm';
/** From a batch to its run. */
export const HAND_OVER_SIGNAL = 'handOver';
export const PROGRESS_QUERY = 'getProgress';
export const DRAFT_QUERY = 'getDraft';
export const DRAFTS_QUERY = 'getDrafts';
export const TREE_QUERY = 'getTree';
export const STEER_UPDATE = 'steer';
export const EXTEND_BUDGET_UPDATE = 'extendBudget';
export const PAUSE_UPDATE = 'pause';
export const RESUME_UPDATE = 'resume';
/** From a run to its sub-runs. */
export const PAUSE_TREE_SIGNAL = 'pauseTree';
export const FINISH_NOW_UPDATE = 'finishNow';
export const EDIT_VARIABLE_UPDATE = 'editVariable';
export const ANSWER_HUMAN_UPDATE = 'answerHuman';
/** Memo fields of a run; they stay readable without a worker. */
export const MEMO_PROGRESS = 'progress';
export const MEMO_CANCELLED = 'cancelled';
/** The step of another run that this one started from. */
export const MEMO_FROM = 'from';

/** Search attributes of a run and their types. They are used only when the server has all of them. */
export const SEARCH_ATTRIBUTES = {
  RlmModel: 'KEYWORD',
  RlmStatus: 'KEYWORD',
  RlmDepth: 'INT',
  RlmTurns: 'INT',
  RlmCostUsd: 'DOUBLE',
} as const;

/** The queue of model calls of a deployment whose main queue is `main`. The names of the queues of single models start with it. */
export function modelTaskQueue(main: string): string {
  return `${main}-model`;
}

/** The queue that serves one runtime: a step runs only where its image can be restored. */
export function replTaskQueue(main: string, runtime: string): string {
  return `${main}-repl-${runtime}`;
}

/** The queue of one worker process, for steps whose kernel it keeps. Unversioned: no server counts it once nobody polls it. */
export function hostTaskQueue(main: string, worker: string): string {
  return `${main}-host-${worker}`;
}
