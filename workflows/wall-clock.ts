import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';

/** Runs `work` for at most `limitMs` (null: without limit). When the time is up what is in flight is cancelled, and `late` is the result. */
export async function within<T>(
  limitMs: number | null,
  late: T,
  work: () => Promise<T>,
): Promise<T> {
  if (limitMs === null) return work();
  const scope = new CancellationScope();
  const alarm = new CancellationScope();
  let isLate = false;
  const ring = async (): Promise<void> => {
    try {
      await sleep(limitMs, { summary: 'wall-clock limit of the run' });
    } catch {
      return;
    }
    isLate = true;
    scope.cancel();
  };
  void alarm.run(ring);
  try {
    return await scope.run(work);
  } catch (error) {
    if (isLate && isCancellation(error)) return late;
    throw error;
  } finally {
    alarm.cancel();
  }
}
