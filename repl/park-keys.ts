import type { Digest, RunCellInput } from '../protocol/index.ts';

/** A kernel at rest serves any next step of the same run from the same heap. */
export function restKey({ key }: RunCellInput, heapDigest: Digest): string {
  return JSON.stringify(['rest', key.workflowId, heapDigest]);
}

/** A waiting kernel serves the one step that goes on from exactly this journal, and that began alike: a run that was reset may make the same calls from another heap. */
export function waitKey(input: RunCellInput, journal: Digest): string {
  const { workflowId, cell, cellAttempt } = input.key;
  const { image, code, seed, clockMs } = input;
  const began = [image.heapDigest, code.digest, seed, clockMs];
  return JSON.stringify(['wait', workflowId, cell, cellAttempt, journal, ...began]);
}
