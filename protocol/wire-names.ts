/** Names that both sides of the wire must agree on. Nobody types one of these twice. */
export const RUN_WORKFLOW = 'rlmRun';
/** Workflow tasks and the light activities. */
export const MAIN_TASK_QUEUE = 'rlm';
/** Activities that call models. */
export const MODEL_TASK_QUEUE = 'rlm-model';
export const PROGRESS_QUERY = 'getProgress';
export const DRAFT_QUERY = 'getDraft';
/** Memo fields of a run; they stay readable without a worker. */
export const MEMO_PROGRESS = 'progress';
export const MEMO_CANCELLED = 'cancelled';

/** Search attributes of a run and their types. They are used only when the server has all of them. */
export const SEARCH_ATTRIBUTES = {
  RlmModel: 'KEYWORD',
  RlmStatus: 'KEYWORD',
  RlmDepth: 'INT',
  RlmTurns: 'INT',
  RlmCostUsd: 'DOUBLE',
} as const;

/** The queue that serves one runtime: a step runs only where its image can be restored. */
export function replTaskQueue(runtime: string): string {
  return `rlm-repl-${runtime}`;
}
