import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  isCancellation,
} from '@temporalio/workflow';
import { clipBytes } from '../protocol/index.ts';
import type { Arrival } from './rounds.ts';

/** A failure of a call is its result, not the run's: the model sees it in its slot. */
export async function asArrival(make: () => Promise<Arrival>): Promise<Arrival> {
  try {
    return await make();
  } catch (error) {
    return { kind: 'failed', ...describe(error) };
  }
}

function describe(error: unknown): { type: string; message: string } {
  if (isCancellation(error)) return { type: 'Cancelled', message: 'The call was cancelled.' };
  const wrapped = error instanceof ActivityFailure || error instanceof ChildWorkflowFailure;
  let cause: unknown = wrapped ? (error.cause ?? error) : error;
  // A failed sub-run carries the failure of its activity one level deeper.
  if (cause instanceof ActivityFailure) cause = cause.cause ?? cause;
  const message = clipBytes(cause instanceof Error ? cause.message : String(cause), 400);
  if (cause instanceof ApplicationFailure) return { type: cause.type ?? 'Failed', message };
  return { type: cause instanceof Error ? cause.name : 'Failed', message };
}
