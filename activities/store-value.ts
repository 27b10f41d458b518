import { type BlobRef, SentValue } from '../protocol/index.ts';
import { decodeUtf8, InvalidInput, putText } from '../store/index.ts';
import type { ActivityDeps, MainActivities } from './contract.ts';
import { withHeartbeat } from './heartbeat.ts';

/** A value that a person sent to a run, as a blob that can be loaded: stored here, or checked when it is there already. Idempotent. Throws InvalidInput for what is not JSON where it should be. */
export function createStoreValue({
  store,
}: Pick<ActivityDeps, 'store'>): MainActivities['storeValue'] {
  return async function storeValue(input: SentValue): Promise<BlobRef> {
    return withHeartbeat(async () => {
      const { format, text, blob } = SentValue.parse(input);
      // A missing blob is found now, while the sender can be told, not by the next cell.
      const content = blob === undefined ? text : decodeUtf8(await store.blobs.get(blob.digest));
      if (content === undefined) throw new InvalidInput('value: expected UTF-8 text');
      if (format === 'json') checkJson(content);
      if (blob !== undefined) {
        await store.blobs.touch(blob.digest);
        return blob;
      }
      const { digest, sizeBytes } = await putText(store, content);
      return { digest, sizeBytes };
    });
  };
}

function checkJson(text: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new InvalidInput(`value: expected JSON: ${error instanceof Error ? error.message : ''}`);
  }
}
