import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { type ForkPoint, type ForkSource, type TrailEvent } from '../protocol/index.ts';
import { InvalidInput, readSealedPieces, type Store, toTrailEvent } from '../store/index.ts';
import { findForkPoint } from './fork-point.ts';

type Event = TrailEvent & { runId: string };

/**
 * The step of another run that a run is to start from: from the sealed trail, and from the server's history for what is
 * newer, so that a run can be forked while it goes on, and long after the server has forgotten it. Throws InvalidInput.
 */
export async function readForkPoint(
  { store, client, runtime }: { store: Store; client: Client; runtime: string },
  source: ForkSource,
): Promise<ForkPoint> {
  const sealed: Event[] = [];
  for (const { runId, events } of await readSealedPieces(store, source.workflowId)) {
    for (const event of events) sealed.push({ ...event, runId });
  }
  const point = findForkPoint([...sealed, ...(await newerEvents(client, source, sealed))], source);
  if (point === null) {
    const what = source.cell === undefined ? 'no cell' : `no cell ${source.cell}`;
    throw new InvalidInput(
      `spec.from: run ${source.workflowId} has ${what} that finished, as far as its history or trail says`,
    );
  }
  if (point.runtime !== runtime) {
    throw new InvalidInput(
      `spec.from: run ${source.workflowId} was made by the runtime ${point.runtime}; this worker has ${runtime}`,
    );
  }
  return point;
}

/** What the server knows of the latest execution beyond the trail. */
async function newerEvents(
  client: Client,
  { workflowId }: ForkSource,
  sealed: readonly Event[],
): Promise<Event[]> {
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
