export { rlmRun } from './rlm-run.ts';
