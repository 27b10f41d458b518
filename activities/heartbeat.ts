import { Context } from '@temporalio/activity';
import { runOwner } from '../protocol/index.ts';
import { keptBy } from '../store/index.ts';
import { toFailure } from './to-failure.ts';

export interface Beat {
  /** Counts from 1. */
  attempt: number;
  /** Aborts when the run is cancelled, the server has given this attempt up, or the worker shuts down. */
  signal: AbortSignal;
  /** Replaces what the Web UI shows of the pending activity. Small and plain. */
  note: (details: Record<string, unknown>) => void;
}

/**
 * Runs the work of an activity with heartbeats at a third of its heartbeat timeout, started before anything slow,
 * and turns what it throws into a failure that says whether to retry. Beats stop when the event loop does.
 */
export async function withHeartbeat<T>(work: (beat: Beat) => Promise<T>): Promise<T> {
  const context = Context.current();
  const timeoutMs = context.info.heartbeatTimeoutMs ?? 30_000;
  let details: Record<string, unknown> = { phase: 'started' };
  let flushOld: (() => Promise<void>) | undefined;
  // None at once: the server counts from the start, and for a short activity it would be one request in three.
  const timer = setInterval(() => {
    context.heartbeat(details);
    // Should it fail, the end of the activity tries again and tells.
    flushOld?.().catch(() => undefined);
  }, timeoutMs / 3);
  const begin = (): Promise<T> =>
    work({
      attempt: context.info.attempt,
      signal: context.cancellationSignal,
      note: (next) => {
        details = next;
      },
    });
  try {
    const workflowId = context.info.workflowExecution?.workflowId;
    if (workflowId === undefined) return await begin();
    // What the activity has stored is in the root of its run before anybody hears of it.
    return await keptBy(runOwner(workflowId), (flush) => {
      flushOld = flush;
      return begin();
    });
  } catch (error) {
    // Once cancelled, whatever the abort made the work throw is the cancellation.
    if (context.cancellationSignal.aborted) await context.cancelled;
    throw toFailure(error, context.info.attempt);
  } finally {
    clearInterval(timer);
  }
}
