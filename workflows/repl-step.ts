import {
  type ActivityInterfaceFor,
  CancellationScope,
  log,
  proxyActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { caps, type CellOutcome, clipBytes, type RunCellInput } from '../protocol/index.ts';
import { hostStep, replStep } from './activity-options.ts';
import type { RunContext } from './run-context.ts';

/**
 * Runs one step. On the worker that keeps the kernel, as long as it takes it at once; when that fails in whichever way,
 * where any worker is free: there the image is restored, and a waiting cell replayed.
 */
export async function runStep(
  { state }: Pick<RunContext, 'state'>,
  summary: string,
  input: RunCellInput,
): Promise<CellOutcome> {
  const { replQueue, limits } = state.resolved;
  const { hostQueue } = state;
  // Until the step has ended nobody keeps its kernel.
  state.hostQueue = null;
  let outcome: CellOutcome | null = null;
  if (hostQueue !== null) outcome = await onItsHost(hostQueue, summary, input);
  outcome ??= await proxyActivities<Activities>(
    replStep(replQueue, limits, input.journal !== null),
  ).runCell.executeWithOptions(
    { summary: summaryOf(hostQueue === null ? summary : `${summary} · on any worker`) },
    [input],
  );
  state.hostQueue = outcome.place?.queue ?? null;
  return outcome;
}

async function onItsHost(
  queue: string,
  summary: string,
  input: RunCellInput,
): Promise<CellOutcome | null> {
  const { runCell }: ActivityInterfaceFor<Activities> = proxyActivities<Activities>(
    hostStep(queue, input.limits),
  );
  try {
    return await runCell.executeWithOptions({ summary: summaryOf(summary) }, [input]);
  } catch (error) {
    // Not by what the failure says: a worker that shuts down calls its own end a cancellation, too.
    if (CancellationScope.current().consideredCancelled) throw error;
    log.info('A step goes on where any worker is free', { error });
    return null;
  }
}

function summaryOf(text: string): string {
  return clipBytes(text, caps.SUMMARY_BYTES);
}
