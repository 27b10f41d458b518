import type { RlmClient } from '../client/index.ts';
import type { IngestProgress, Progress } from '../protocol/index.ts';

export interface WatchOptions {
  /** Time between two looks, ms. */
  everyMs?: number;
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
  /** While the inputs are read, before there is any other progress. */
  onReading?: (progress: IngestProgress) => void;
}

/**
 * Calls `onProgress` with each new state of a run until the signal aborts. A look that fails is left out:
 * watching must not end a run that goes on, and `result` reports what is wrong with it.
 */
export async function watchRun(
  client: RlmClient,
  workflowId: string,
  options: WatchOptions,
): Promise<void> {
  const { signal, everyMs = 300 } = options;
  let last: Progress | null = null;
  while (!signal.aborted) {
    const progress = await client.progress(workflowId).catch(() => null);
    if (progress === null && last === null && options.onReading !== undefined) {
      const reading = await client.ingestProgress(workflowId).catch(() => null);
      if (reading !== null && !signal.aborted) options.onReading(reading);
    }
    if (signal.aborted) return;
    if (progress !== null && isNews(last, progress)) {
      last = progress;
      options.onProgress(progress);
    }
    await pause(everyMs, signal);
  }
}

/** While no worker answers, a look gives the state of an earlier moment: the one that a run leaves behind once a turn. */
function isNews(last: Progress | null, now: Progress): boolean {
  if (last === null) return true;
  if (now.turn < last.turn) return false;
  if (now.turn === last.turn && now.spend.calls < last.spend.calls) return false;
  return JSON.stringify(last) !== JSON.stringify(now);
}

/** Resolves after `ms` or as soon as the signal aborts; leaves no timer and no listener behind. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) return done();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      done();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
