import { getExternalWorkflowHandle, log, workflowInfo } from '@temporalio/workflow';
import {
  HAND_OVER_SIGNAL,
  type HandOver,
  REPORT_SPEND_SIGNAL,
  type Spend,
  type SpendReport,
  numbersOf,
} from '../protocol/index.ts';
import { type Arrival } from './rounds.ts';
import type { RunContext } from './run-context.ts';

/**
 * Tells the run that started this workflow what it has spent so far. A signal, because nothing is answered; to that very
 * execution of it, because another one (after a reset) did not start this. Never fails: the close of a workflow says it all.
 */
export async function reportSpend(spend: Spend, final: boolean): Promise<void> {
  const { parent, workflowId } = workflowInfo();
  if (parent === undefined) return;
  const report: SpendReport = { workflowId, spend, final };
  try {
    await getExternalWorkflowHandle(parent.workflowId, parent.runId).signal<[SpendReport]>(
      REPORT_SPEND_SIGNAL,
      report,
    );
  } catch (error) {
    log.info('The run that started this one could not be told its spend', { error });
  }
}

/** As `reportSpend`, for a sub-run: it is itself one of the calls of whoever started it. */
export function reportRunSpend(spend: Spend, final: boolean): Promise<void> {
  return reportSpend({ ...spend, calls: spend.calls + 1 }, final);
}

/** Answers of a batch that is still waiting for others. A signal, because it expects no answer. */
export async function handOver(given: Omit<HandOver, 'workflowId'>): Promise<void> {
  const { parent, workflowId } = workflowInfo();
  if (parent === undefined) return;
  try {
    await getExternalWorkflowHandle(parent.workflowId, parent.runId).signal<[HandOver]>(
      HAND_OVER_SIGNAL,
      { workflowId, ...given },
    );
  } catch (error) {
    log.info('Answers could not be handed over early', { error });
  }
}

/** What a batch of this run hands over before its end. */
export function takeOver(
  { batches }: RunContext,
  { workflowId, recorded, failed }: HandOver,
): void {
  const batch = batches.get(workflowId);
  if (batch === undefined) return;
  const arrive = (call: number, arrival: Arrival): void => {
    batch.handedOver++;
    batch.arrive(call, arrival);
  };
  for (const call of numbersOf(recorded)) arrive(call, { kind: 'recorded' });
  for (const { calls, type, message } of failed) {
    for (const call of numbersOf(calls)) arrive(call, { kind: 'failed', type, message });
  }
}

/** What a sub-run or batch of this run has said. */
export function takeReport(
  { ledger, batches }: RunContext,
  { workflowId, spend, final }: SpendReport,
): void {
  const batch = batches.get(workflowId);
  ledger.report(batch?.row ?? workflowId, spend, final);
  if (batch !== undefined) batch.answered = spend.calls;
}
