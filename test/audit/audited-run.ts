/** A workflow with the shape of a run's history and nothing of its sense: cells, calls, two seals, and a second execution. */
import { continueAsNew, proxyActivities, sleep, workflowInfo } from '@temporalio/workflow';
import type { AuditedActivities } from './audited-activities.ts';

const { runCell, answerCall, sealTrail } = proxyActivities<AuditedActivities>({
  startToCloseTimeout: '20s',
  retry: { initialInterval: '10ms', maximumAttempts: 3 },
});

export async function auditedRun(turn: number, previous: string | null): Promise<string> {
  const { workflowId, runId } = workflowInfo();
  const key = { workflowId, cell: `${turn}.1`, cellAttempt: 1 };
  await sleep('10ms', { summary: 'a short wait' });
  await runCell.executeWithOptions({ summary: `cell ${turn}.1 · x = 1` }, [{ key }]);
  await Promise.allSettled([1, 2, 3].map((call) => answerCall({ key, call })));
  const first = await sealTrail({ workflowId, runId, piece: 0, previous });
  const second = await sealTrail({ workflowId, runId, piece: 1, previous: first.trail });
  if (turn < 2) await continueAsNew<typeof auditedRun>(turn + 1, second.trail);
  return second.trail;
}
