import type { StepKey } from './cell.ts';
import type { Digest } from './digest.ts';

/** Record key of the answer to one call. Holds no execution's run id: a reset or continued run finds what was paid for. */
export function answerRecordKey(step: StepKey, call: number, request: Digest): string {
  return `answer/${step.workflowId}/${step.cell}/${step.cellAttempt}/${call}/${request}`;
}

/** Record key of the answer to a request that a run with `cache: "run"` asks once. */
export function cachedAnswerKey(workflowId: string, model: string, request: Digest): string {
  return `answer-of/${workflowId}/${model}/${request}`;
}

/** Record key of the answer to a request that all runs with `cache: "shared"` ask once. `model` is a digest of all that decides how it is asked. */
export function sharedAnswerKey(model: Digest, request: Digest): string {
  return `answer-of-all/${model}/${request}`;
}

/** Record key of what a file was read as: `reader` names the version of the code that reads it. The same file is read once. */
export function documentRecordKey(reader: string, format: string, file: Digest): string {
  return `document/${reader}/${format}/${file}`;
}

/** Record key of the image that restores a heap, for heaps that people go back to by their digest. */
export function imageRecordKey(heapDigest: Digest): string {
  return `image/${heapDigest}`;
}

/** Record key of the image that was rebuilt in the place of a lost one: it restores the same heap. */
export function rebuiltRecordKey(lost: Digest): string {
  return `rebuilt/${lost}`;
}

/** Record key of a root-model reply to one exact prompt. */
export function turnRecordKey(workflowId: string, turn: number, prompt: Digest): string {
  return `turn/${workflowId}/${turn}/${prompt}`;
}

/** Record key of the n-th piece that was sealed of any execution of a workflow: how its trail is found when the server has forgotten it. */
export function trailIndexKey(workflowId: string, n: number): string {
  return `trail-of/${workflowId}/${n}`;
}

/** Record key of the n-th sealed piece of an execution's trail. */
export function trailRecordKey(workflowId: string, runId: string, piece: number): string {
  return `trail/${workflowId}/${runId}/${piece}`;
}
