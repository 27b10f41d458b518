import { status } from '@grpc/grpc-js';
import {
  isGrpcServiceError,
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/common';
import type { Progress } from '../protocol/index.ts';
import { InvalidRequest, RunCancelled, RunFailed, ServerUnavailable } from './errors.ts';

export interface ErrorContext {
  address?: string;
  namespace?: string;
  workflowId?: string;
  progress?: Progress | null;
}

const REFUSALS = new Set([status.UNAUTHENTICATED, status.PERMISSION_DENIED]);

/** Turns what Temporal's client throws into one of this library's errors. Errors that are ours already pass through. */
export function toClientError(error: unknown, context: ErrorContext): Error {
  const id = context.workflowId ?? '';
  if (error instanceof WorkflowFailedError)
    return fromFailedRun(error, id, context.progress ?? null);
  if (error instanceof WorkflowExecutionAlreadyStartedError) {
    return new InvalidRequest(
      `A run with the id ${id} exists already; choose another id or ask for its result.`,
    );
  }
  if (error instanceof WorkflowNotFoundError) {
    return new InvalidRequest(`There is no run with the id ${id}; look it up in the Web UI.`);
  }
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (context.address !== undefined) {
    if (isGrpcServiceError(cause) && cause.code === status.NOT_FOUND) {
      return new ServerUnavailable(
        `The Temporal server at ${context.address} has no namespace "${context.namespace}"; create it or set TEMPORAL_NAMESPACE.`,
        { cause: error },
      );
    }
    if (isGrpcServiceError(cause) && REFUSALS.has(cause.code)) {
      return new ServerUnavailable(
        `The Temporal server at ${context.address} refused the credentials; check TEMPORAL_API_KEY and TEMPORAL_NAMESPACE.`,
        { cause: error },
      );
    }
    return new ServerUnavailable(
      `No Temporal server answers at ${context.address}; start one (npm run ui) or set TEMPORAL_ADDRESS.`,
      { cause: error },
    );
  }
  if (isGrpcServiceError(cause) && cause.code === status.INVALID_ARGUMENT) {
    return new InvalidRequest(`The Temporal server refused this: ${cause.details}.`);
  }
  if (error instanceof ServiceError || isGrpcServiceError(cause)) {
    return new ServerUnavailable(
      `The Temporal server did not answer (${error instanceof Error ? error.message : String(error)}); check that it runs and try again.`,
      { cause: error },
    );
  }
  return error instanceof Error ? error : new Error(String(error));
}

function fromFailedRun(error: WorkflowFailedError, id: string, progress: Progress | null): Error {
  let cause: unknown = error.cause;
  if (cause instanceof CancelledFailure) {
    return new RunCancelled(id, `Run ${id} was cancelled.`, progress);
  }
  if (cause instanceof TerminatedFailure) {
    return new RunCancelled(id, `Run ${id} was terminated: ${cause.message}.`, progress);
  }
  while (cause instanceof ActivityFailure && cause.cause !== undefined) cause = cause.cause;
  if (cause instanceof ApplicationFailure) {
    return new RunFailed(id, cause.type ?? 'Unknown', cause.message, { cause: error });
  }
  if (cause instanceof TimeoutFailure) {
    return new RunFailed(id, 'Timeout', `Run ${id} timed out: ${cause.message}.`, { cause: error });
  }
  const message = cause instanceof Error ? cause.message : error.message;
  return new RunFailed(id, 'Unknown', `Run ${id} failed: ${message}`, { cause: error });
}
