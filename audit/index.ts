export { type CallAttempts, callAttempts } from './call-attempts.ts';
export { type CellDigest, cellDigests } from './cell-digests.ts';
export { type CellStep, cellSteps } from './cell-steps.ts';
export { citationChecks, type CitationsLookedUp } from './citation-checks.ts';
export { TrailBroken, TrailMissing } from './errors.ts';
export { readBatchTrails } from './read-batches.ts';
export { readTrail, readTrailAt, type Trail, type TrailExecution } from './read-trail.ts';
