import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailable } from '../store/index.ts';

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;
/** For what was paid for: a disk that is full for so long needs a person. The activity has a minute more (`modelCall` in `workflows/activity-options.ts`). */
const PATIENCE_MS = 9 * 60_000;

/** Does it again while the store is unavailable (full, read-only, out of reach), for nine minutes or until `signal` aborts. */
export async function whileUnavailable<T>(
  work: () => Promise<T>,
  signal?: AbortSignal,
  patienceMs: number = PATIENCE_MS,
): Promise<T> {
  const until = performance.now() + patienceMs;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || performance.now() > until) throw error;
    }
    await sleep(waitMs, undefined, { signal });
  }
}
