export { callBatch } from './call-batch.ts';
export { rlmRun } from './rlm-run.ts';
