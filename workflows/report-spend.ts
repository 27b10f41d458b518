import { getExternalWorkflowHandle, log, workflowInfo } from '@temporalio/workflow';
import { REPORT_SPEND_SIGNAL, type Spend, type SpendReport } from '../protocol/index.ts';
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

/** What a sub-run or batch of this run has said. */
export function takeReport(
  { ledger, batches }: RunContext,
  { workflowId, spend, final }: SpendReport,
): void {
  ledger.report(workflowId, spend, final);
  if (batches.has(workflowId)) batches.set(workflowId, spend.calls);
}
