import { ingest as ingestEntries } from '../documents/index.ts';
import { IngestResult, ManifestEntry } from '../protocol/index.ts';
import type { ActivityDeps, MainActivities } from './contract.ts';
import { withHeartbeat } from './heartbeat.ts';

/** Checks that every input is in the store, whole, and stores their manifest. Idempotent: the manifest is named by its content. */
export function createIngest({ store }: Pick<ActivityDeps, 'store'>): MainActivities['ingest'] {
  return async function ingest(inputs: ManifestEntry[]): Promise<IngestResult> {
    return withHeartbeat(async ({ note }) => {
      const entries = inputs.map((entry) => ManifestEntry.parse(entry));
      note({ phase: 'checking', inputs: entries.length });
      return IngestResult.parse(await ingestEntries(store, entries));
    });
  };
}
