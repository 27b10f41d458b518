import { CancellationScope, condition, isCancellation, sleep } from '@temporalio/workflow';
import type { EndReason } from '../protocol/index.ts';
import { remainingMs } from './budget.ts';
import { readClock, type RunContext } from './run-context.ts';

/**
 * Runs `work` until it ends, the run's wall-clock limit is reached or a person ends the run. Then what is in flight is
 * cancelled, and which of the two it was is the result.
 */
export async function untilStopped(
  context: RunContext,
  work: () => Promise<EndReason>,
): Promise<EndReason> {
  const scope = new CancellationScope();
  const watch = new CancellationScope();
  let stopped: EndReason | null = null;
  const stop = (reason: EndReason): void => {
    stopped ??= reason;
    scope.cancel();
  };
  void watch.run(() => ringing(context, stop));
  void watch.run(() => listening(context, stop));
  try {
    return await scope.run(work);
  } catch (error) {
    if (stopped !== null && isCancellation(error)) return stopped;
    throw error;
  } finally {
    watch.cancel();
  }
}

/** Looks again when it wakes: the limit may have been extended meanwhile. */
async function ringing(context: RunContext, stop: (reason: EndReason) => void): Promise<void> {
  const { state, start } = context;
  for (;;) {
    const leftMs = remainingMs(state, start.spec.clock === null ? readClock(context, state) : null);
    if (leftMs === null) return;
    if (leftMs === 0) return stop('wallClock');
    if (await ended(sleep(leftMs, { summary: 'wall-clock limit of the run' }))) return;
  }
}

async function listening({ state }: RunContext, stop: (reason: EndReason) => void): Promise<void> {
  if (await ended(condition(() => state.steering.finish))) return;
  stop('finishNow');
}

/** True when the watch was over before what it waited for came. */
async function ended(waiting: Promise<unknown>): Promise<boolean> {
  try {
    await waiting;
    return false;
  } catch (error) {
    if (isCancellation(error)) return true;
    throw error;
  }
}
