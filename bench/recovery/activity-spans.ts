import { z } from 'zod';
import type { Trail } from '../../audit/index.ts';
import { StepPlace } from '../../protocol/index.ts';

/** The last attempt of an activity, by the server's clock. */
export interface Span {
  name: string;
  startedMs: number;
  /** Undefined when it did not complete. */
  completedMs: number | undefined;
  host: string | null;
}

const Placed = z.object({ place: StepPlace });

/** The attempts that closed an activity, in the order of their schedules. */
export function activitySpans(trail: Trail): Span[] {
  const spans = new Map<string, Span>();
  for (const { runId, events } of trail.executions) {
    for (const event of events) {
      const at = `${runId} ${event.scheduledEventId ?? event.eventId}`;
      const span = spans.get(at);
      if (event.type === 'ActivityTaskScheduled') {
        const name = event.name ?? '';
        spans.set(at, { name, startedMs: NaN, completedMs: undefined, host: null });
      } else if (span !== undefined && event.type === 'ActivityTaskStarted') {
        span.startedMs = event.timeMs;
      } else if (span !== undefined && event.type === 'ActivityTaskCompleted') {
        span.completedMs = event.timeMs;
        span.host = Placed.safeParse(event.result).data?.place.host ?? null;
      }
    }
  }
  return [...spans.values()];
}
