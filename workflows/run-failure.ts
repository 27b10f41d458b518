import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  type TemporalFailure,
} from '@temporalio/workflow';
import { Spend } from '../protocol/index.ts';

/** The failure that a run ends with: what its activity said, and what the run had spent, so that a parent can count it. */
export function toRunFailure(error: TemporalFailure, spend: Spend | null): ApplicationFailure {
  let cause: unknown = error;
  while (cause instanceof ActivityFailure && cause.cause !== undefined) cause = cause.cause;
  const failure = cause instanceof Error ? cause : error;
  return ApplicationFailure.create({
    message: failure.message,
    type: failure instanceof ApplicationFailure ? (failure.type ?? 'Failed') : failure.name,
    nonRetryable: true,
    details: spend === null ? [] : [spend],
    cause: error,
  });
}

/** What a failed sub-run said that it had spent; null when it could not say. */
export function spendOfFailure(error: unknown): Spend | null {
  if (!(error instanceof ChildWorkflowFailure)) return null;
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure)) return null;
  return Spend.safeParse(cause.details?.[0]).data ?? null;
}
