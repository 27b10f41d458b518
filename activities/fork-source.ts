import type { Client } from '@temporalio/client';
import type { ForkPoint, ForkSource } from '../protocol/index.ts';
import { InvalidInput, type Store } from '../store/index.ts';
import { findForkPoint } from './fork-point.ts';
import { readRunEvents } from './run-events.ts';

/**
 * The step of another run that a run is to start from: from the sealed trail, and from the server's history for what is
 * newer, so that a run can be forked while it goes on, and long after the server has forgotten it. Throws InvalidInput.
 */
export async function readForkPoint(
  { store, client, runtime }: { store: Store; client: Client; runtime: string },
  source: ForkSource,
): Promise<ForkPoint> {
  const point = findForkPoint(await readRunEvents({ store, client }, source.workflowId), source);
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
