import { CellOutcome, RunCellInput, type TrailEvent } from '../../protocol/index.ts';
import { openRepl } from '../../repl/index.ts';
import type { Store } from '../../store/index.ts';
import { loadWorkerConfig } from '../../worker/index.ts';
import type { CellPair } from './demo-check.ts';

/**
 * Executes every finished REPL step of a run again, from its recorded input in a fresh kernel host, and gives
 * the heap digests of then and now. Asks no model: the answers come from the run's records.
 */
export async function rerunSteps(store: Store, events: readonly TrailEvent[]): Promise<CellPair[]> {
  const repl = await openRepl({ store, cacheDir: loadWorkerConfig(process.env).cacheDir });
  try {
    const pairs: CellPair[] = [];
    for (const { input, outcome } of finishedSteps(events)) {
      const again = await repl.runStep(input);
      pairs.push({
        cell: input.key.cell,
        heapDigest: outcome.image.heapDigest,
        undisturbed: again.kind === 'finished' ? again.image.heapDigest : null,
      });
    }
    return pairs;
  } finally {
    await repl.dispose();
  }
}

function finishedSteps(
  events: readonly TrailEvent[],
): { input: RunCellInput; outcome: Extract<CellOutcome, { kind: 'finished' }> }[] {
  const plans = new Map(
    events
      .filter((e) => e.type === 'ActivityTaskScheduled' && e.name === 'runCell')
      .map((e) => [e.eventId, e]),
  );
  return events.flatMap((event) => {
    const plan = plans.get(event.scheduledEventId ?? 0);
    if (plan === undefined || event.type !== 'ActivityTaskCompleted') return [];
    const outcome = CellOutcome.parse(event.result);
    return outcome.kind === 'finished' ? [{ input: RunCellInput.parse(plan.input), outcome }] : [];
  });
}
