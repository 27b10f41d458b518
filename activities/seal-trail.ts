import { Context } from '@temporalio/activity';
import { SealTrailInput, type SealTrailResult } from '../protocol/index.ts';
import { sealHistory } from '../store/index.ts';
import type { ActivityDeps, MainActivities } from './contract.ts';
import { withHeartbeat } from './heartbeat.ts';

/** Writes the events so far into the store as a link of a hash chain, since the server deletes closed histories. Runs twice without harm: the first writer's piece stays. */
export function createSealTrail({
  store,
}: Pick<ActivityDeps, 'store'>): MainActivities['sealTrail'] {
  return async function sealTrail(input: SealTrailInput): Promise<SealTrailResult> {
    return withHeartbeat(async ({ note }) => {
      const { workflowId, runId, piece, previous } = SealTrailInput.parse(input);
      note({ phase: 'reading the history' });
      const { client } = Context.current();
      const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      return sealHistory(store, history.events ?? [], { workflowId, runId, piece, previous });
    });
  };
}
