import { ingest as ingestInputs, NO_ACCESS } from '../documents/index.ts';
import { IngestOptions, IngestResult, ManifestEntry } from '../protocol/index.ts';
import type { ActivityDeps, MainActivities } from './contract.ts';
import { withHeartbeat } from './heartbeat.ts';

/** Reads the inputs of a run and stores their manifest. Idempotent: the manifest is named by its content, and a file that was read is found. */
export function createIngest({
  store,
  access = NO_ACCESS,
}: Pick<ActivityDeps, 'store' | 'access'>): MainActivities['ingest'] {
  return async function ingest(
    inputs: ManifestEntry[],
    options: IngestOptions = {},
  ): Promise<IngestResult> {
    return withHeartbeat(async ({ signal, note }) => {
      const entries = inputs.map((entry) => ManifestEntry.parse(entry));
      const { sources, heapMiB } = IngestOptions.parse(options);
      const onProgress = (progress: object): void => note({ ...progress });
      return IngestResult.parse(
        await ingestInputs(store, entries, { sources, heapMiB, access, signal, onProgress }),
      );
    });
  };
}
