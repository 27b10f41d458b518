import { ownedBy } from '../protocol/index.ts';
import type { OwnerStatus } from './forget.ts';

/** What of Temporal's client is needed to ask for a run or a schedule. */
export interface OwnerServer {
  workflow: {
    getHandle(workflowId: string): {
      describe(): Promise<{ status: { name: string }; closeTime?: Date | undefined }>;
    };
  };
  schedule: { getHandle(scheduleId: string): { describe(): Promise<unknown> } };
}

/** Errors by which Temporal's client says that there is no such thing. */
const UNKNOWN = ['WorkflowNotFoundError', 'ScheduleNotFoundError'];

/** What the server says of an owner. Throws what the client throws when the server does not answer. */
export async function ownerStatus(server: OwnerServer, owner: string): Promise<OwnerStatus> {
  const asked = ownedBy(owner);
  if (asked === null) return { kind: 'unknown' };
  try {
    if (asked.kind === 'schedule') {
      await server.schedule.getHandle(asked.id).describe();
      return { kind: 'open' };
    }
    const { status, closeTime } = await server.workflow.getHandle(asked.id).describe();
    // Paused ones and whatever else a later server may say: not ended.
    if (closeTime === undefined || status.name === 'RUNNING') return { kind: 'open' };
    return { kind: 'ended', endedMs: closeTime.getTime() };
  } catch (error) {
    if (error instanceof Error && UNKNOWN.includes(error.name)) return { kind: 'unknown' };
    throw error;
  }
}
