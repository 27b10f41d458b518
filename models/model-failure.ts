import type { FailureType } from '../protocol/index.ts';

/** What went wrong with a model call, in the words of the wire. `message` is one sentence that says what to do; it never holds a key. */
export interface ModelFailure {
  readonly type: FailureType;
  readonly retryable: boolean;
  readonly message: string;
  /** What the provider asked for by `retry-after-ms` or `retry-after`; absent when it said nothing. */
  readonly nextRetryDelayMs?: number;
}

/** Thrown by everything in this room that fails for a known reason; the activity turns `failure` into its own failure type. */
export class ModelError extends Error {
  readonly failure: ModelFailure;

  constructor(failure: ModelFailure, options?: ErrorOptions) {
    super(failure.message, options);
    this.name = 'ModelError';
    this.failure = failure;
  }
}
