import { blobsOfSpec, InputSources, type RunSpec } from '../protocol/index.ts';
import { getJson } from './json.ts';
import type { Store } from './store.ts';

/** Puts everything that a spec names into the root of whoever is at work, what its list of sources names included. Throws BlobMissing. */
export async function keepSpec(store: Store, spec: RunSpec): Promise<void> {
  const digests = blobsOfSpec(spec);
  if (spec.sources !== undefined) {
    const { sources } = await getJson(store, spec.sources.list, InputSources);
    for (const source of sources) {
      if (source.kind === 'upload') digests.push(source.blob.digest);
      else if (source.kind === 'stored') digests.push(source.entry.blob.digest);
    }
  }
  await Promise.all(digests.map((digest) => store.blobs.touch(digest)));
}
