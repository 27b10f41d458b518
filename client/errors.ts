import type { Progress } from '../protocol/index.ts';

/** The run ended without a result; the message is one sentence that says why and what to do. `details` carries what it had. */
export class RunFailed extends Error {
  override readonly name = 'RunFailed';
  readonly workflowId: string;
  /** `FailureType` of the cause, or `Unknown`. */
  readonly type: string;
  constructor(workflowId: string, type: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.workflowId = workflowId;
    this.type = type;
  }
}

/** The run was cancelled or terminated; `progress` holds its last state with the best draft, when it could still write it. */
export class RunCancelled extends Error {
  override readonly name = 'RunCancelled';
  readonly workflowId: string;
  readonly progress: Progress | null;
  constructor(workflowId: string, message: string, progress: Progress | null) {
    super(message);
    this.workflowId = workflowId;
    this.progress = progress;
  }
}

/** The server cannot be reached, or does not know the namespace or the run. The message says what to do. */
export class ServerUnavailable extends Error {
  override readonly name = 'ServerUnavailable';
}

/** The caller's mistake; the message lists path and expectation. */
export class InvalidRequest extends Error {
  override readonly name = 'InvalidRequest';
}
