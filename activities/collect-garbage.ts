import { Context } from '@temporalio/activity';
import { CollectGarbageInput, CollectGarbageResult } from '../protocol/index.ts';
import { collectGarbage as collect, ownerStatus } from '../store/index.ts';
import type { ActivityDeps, MainActivities } from './contract.ts';
import { withHeartbeat } from './heartbeat.ts';

/** Frees what no root keeps. May die anywhere and run again, also beside another collection. */
export function createCollectGarbage({
  store,
}: Pick<ActivityDeps, 'store'>): MainActivities['collectGarbage'] {
  return async function collectGarbage(input: CollectGarbageInput): Promise<CollectGarbageResult> {
    return withHeartbeat(async ({ signal, note }) => {
      const given = CollectGarbageInput.parse(input);
      const { client, info } = Context.current();
      const described = await client.workflowService.describeNamespace({
        namespace: info.namespace,
      });
      return CollectGarbageResult.parse(
        await collect(
          store,
          given,
          {
            server: described.namespaceInfo?.id ?? '',
            statusOf: (owner) => ownerStatus(client, owner),
          },
          { signal, onProgress: (progress) => note({ ...progress }) },
        ),
      );
    });
  };
}
