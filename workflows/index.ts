export { callBatch } from './call-batch.ts';
export { garbageCollection } from './garbage-collection.ts';
export { rlmRun } from './rlm-run.ts';
