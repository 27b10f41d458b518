import { CALL_BATCH_WORKFLOW, CallBatchResult } from '../protocol/index.ts';
import type { Store } from '../store/index.ts';
import { readTrailAt, type Trail } from './read-trail.ts';

/**
 * Trails of the batches that a run's wide rounds were answered by, in the order in which they ended: their calls are
 * read like those of the run. A batch that could not store its history is left out. Throws as `readTrailAt`.
 */
export async function readBatchTrails(store: Store, trail: Trail): Promise<Trail[]> {
  const batches: Trail[] = [];
  for (const { events } of trail.executions) {
    for (const { type, name, workflowId, result } of events) {
      if (type !== 'ChildWorkflowExecutionCompleted' || name !== CALL_BATCH_WORKFLOW) continue;
      const sealed = CallBatchResult.safeParse(result).data?.trail ?? null;
      if (sealed !== null && workflowId !== undefined) {
        batches.push(await readTrailAt(store, sealed, workflowId));
      }
    }
  }
  return batches;
}
