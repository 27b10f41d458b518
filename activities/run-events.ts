import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { TrailEvent } from '../protocol/index.ts';
import { readSealedPieces, type Store, toTrailEvent } from '../store/index.ts';

/** An event of a run, with the execution that it is of. */
export type RunEvent = TrailEvent & { runId: string };

/** All that is known of a run: its sealed trail, and what the server's history has beyond it. Of a run that ended long ago the trail alone. */
export async function readRunEvents(
  { store, client }: { store: Store; client: Client },
  workflowId: string,
): Promise<RunEvent[]> {
  const sealed: RunEvent[] = [];
  for (const { runId, events } of await readSealedPieces(store, workflowId)) {
    for (const event of events) sealed.push({ ...event, runId });
  }
  return [...sealed, ...(await newerEvents(client, workflowId, sealed))];
}

/** What the server knows of the latest execution beyond the trail. */
async function newerEvents(
  client: Client,
  workflowId: string,
  sealed: readonly RunEvent[],
): Promise<RunEvent[]> {
  const handle = client.workflow.getHandle(workflowId);
  try {
    const { runId } = await handle.describe();
    const known = sealed.findLast((event) => event.runId === runId)?.eventId ?? 0;
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    return (history.events ?? [])
      .map((event) => ({ ...toTrailEvent(event), runId }))
      .filter(({ eventId }) => eventId > known);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return [];
    throw error;
  }
}
