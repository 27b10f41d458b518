import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { z } from 'zod';
import { InvalidDocument } from '../documents/index.ts';
import { AllowanceTooSmall, ModelError } from '../models/index.ts';
import { clipBytes, FailureType } from '../protocol/index.ts';
import { ImageIncompatible, KernelCrashed } from '../repl/index.ts';
import {
  BlobCorrupted,
  BlobMissing,
  BlobUnexpected,
  InvalidInput,
  RecordCorrupted,
  StoreUnavailable,
} from '../store/index.ts';

/** What no retry changes: the same bytes are read again. */
const PERMANENT = [
  [BlobMissing, FailureType.blobMissing],
  [BlobCorrupted, FailureType.blobCorrupted],
  [BlobUnexpected, FailureType.blobCorrupted],
  [RecordCorrupted, FailureType.blobCorrupted],
  [ImageIncompatible, FailureType.imageIncompatible],
  [InvalidInput, FailureType.invalidInput],
  [InvalidDocument, FailureType.invalidInput],
] as const;

/** A disk that is full stays so longer than a kernel host takes to start again: attempts wait longer for it, up to this. */
const LONGEST_STORE_WAIT_MS = 15_000;
const FIRST_STORE_WAIT_MS = 500;

/** The failure of an activity's attempt (from 1) for an error of the rooms below: its type, one sentence, and whether and when to retry. The only place that builds failures of activities. */
export function toFailure(error: unknown, attempt = 1): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (error instanceof ModelError) {
    const { type, message, retryable, nextRetryDelayMs } = error.failure;
    return ApplicationFailure.create({
      type,
      message,
      nonRetryable: !retryable,
      ...(error instanceof AllowanceTooSmall ? { details: [error.needed] } : {}),
      ...(nextRetryDelayMs === undefined ? {} : { nextRetryDelay: nextRetryDelayMs }),
    });
  }
  for (const [known, type] of PERMANENT) {
    if (error instanceof known) return ApplicationFailure.nonRetryable(sentence(error), type);
  }
  if (error instanceof KernelCrashed) {
    return ApplicationFailure.retryable(sentence(error), FailureType.kernelCrashed);
  }
  if (error instanceof StoreUnavailable) {
    const waitMs = FIRST_STORE_WAIT_MS * 2 ** Math.min(attempt - 1, 10);
    return ApplicationFailure.create({
      type: 'Store.Unavailable',
      message: sentence(error),
      nextRetryDelay: Math.min(waitMs, LONGEST_STORE_WAIT_MS),
    });
  }
  if (error instanceof z.ZodError) {
    return ApplicationFailure.nonRetryable(z.prettifyError(error), FailureType.invalidInput);
  }
  if (error instanceof Error) return ApplicationFailure.retryable(sentence(error), error.name);
  return ApplicationFailure.retryable(clipBytes(String(error), 2000), 'Unknown');
}

function sentence(error: Error): string {
  return clipBytes(error.message, 2000);
}
