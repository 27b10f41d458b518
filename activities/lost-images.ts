import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { recordedSteps, type RecordedStep } from '../repl/index.ts';
import type { Store } from '../store/index.ts';
import { readRunEvents, type RunEvent } from './run-events.ts';

/** Runs that started from each other, followed at most. */
const MAX_SOURCES = 16;

const Forked = z.object({ from: z.object({ workflowId: z.string() }) });

/** The steps by which the images of a run can be rebuilt: its own, and before them those of the run that it started from. */
export async function stepsBehind(
  deps: { store: Store; client: Client },
  workflowId: string,
): Promise<RecordedStep[]> {
  const seen = new Set<string>();
  const steps: RecordedStep[] = [];
  for (let at: string | undefined = workflowId; at !== undefined && seen.size < MAX_SOURCES;) {
    seen.add(at);
    const events = await readRunEvents(deps, at);
    steps.unshift(...recordedSteps(events));
    const source = sourceOf(events);
    at = source !== undefined && !seen.has(source) ? source : undefined;
  }
  return steps;
}

function sourceOf(events: readonly RunEvent[]): string | undefined {
  for (const { type, result } of events) {
    if (type !== 'ActivityTaskCompleted') continue;
    const forked = Forked.safeParse(result).data;
    if (forked !== undefined) return forked.from.workflowId;
  }
  return undefined;
}
