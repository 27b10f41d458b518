/** `type` of every failure that crosses a process boundary. Whether it is retried is decided where it is made. */
export const FailureType = {
  /** The caller's mistake; the message lists path and expectation. Not retried. */
  invalidInput: 'InvalidInput',
  modelRateLimited: 'Model.RateLimited',
  modelUnavailable: 'Model.Unavailable',
  modelTimeout: 'Model.Timeout',
  modelRejected: 'Model.Rejected',
  modelUnauthorized: 'Model.Unauthorized',
  modelNotFound: 'Model.NotFound',
  budgetExhausted: 'Budget.Exhausted',
  /** The isolate or its host died; the step runs again from its input image. Retried. */
  kernelCrashed: 'Kernel.Crashed',
  imageIncompatible: 'Image.Incompatible',
  blobMissing: 'Blob.Missing',
  blobCorrupted: 'Blob.Corrupted',
  replayDivergence: 'ReplayDivergence',
} as const;
export type FailureType = (typeof FailureType)[keyof typeof FailureType];
