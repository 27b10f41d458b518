import { checkCitations as check } from '../documents/index.ts';
import { CheckCitationsInput, CitationCheck } from '../protocol/index.ts';
import type { ActivityDeps, MainActivities } from './contract.ts';
import { withHeartbeat } from './heartbeat.ts';

/** Looks up what an answer cites in the stored inputs, outside of the kernel that the model's code runs in. Idempotent. */
export function createCheckCitations({
  store,
}: Pick<ActivityDeps, 'store'>): MainActivities['checkCitations'] {
  return async function checkCitations(input: CheckCitationsInput): Promise<CitationCheck> {
    return withHeartbeat(async ({ signal, note }) => {
      const onProgress = (inputs: number): void => note({ phase: 'looking up', inputs });
      const parsed = CheckCitationsInput.parse(input);
      return CitationCheck.parse(await check(store, parsed, { signal, onProgress }));
    });
  };
}
