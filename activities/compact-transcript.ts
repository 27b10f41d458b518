import { compactTranscript as compact } from '../models/index.ts';
import { CompactTranscriptInput, CompactTranscriptResult } from '../protocol/index.ts';
import type { ActivityDeps, ModelActivities } from './contract.ts';
import { withHeartbeat } from './heartbeat.ts';

/** Replaces the older turns of a transcript by a summary. Recorded before it completes, like a turn: a retry finds it and pays nothing. */
export function createCompactTranscript({
  store,
  registry,
}: Pick<ActivityDeps, 'store' | 'registry'>): ModelActivities['compactTranscript'] {
  return async function compactTranscript(
    input: CompactTranscriptInput,
  ): Promise<CompactTranscriptResult> {
    return withHeartbeat(async ({ attempt, signal, note }) =>
      CompactTranscriptResult.parse(
        await compact({
          store,
          registry,
          input: CompactTranscriptInput.parse(input),
          attempt,
          signal,
          onProgress: (progress) => note({ ...progress }),
        }),
      ),
    );
  };
}
