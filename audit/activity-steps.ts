import type { TrailEvent } from '../protocol/index.ts';
import type { Trail } from './read-trail.ts';

/** One activity of a run, from its schedule to its close. */
export interface ActivityStep {
  runId: string;
  name: string;
  summary: string | null;
  input: unknown;
  /** Null while it is open; else the event that closed it. */
  closed: TrailEvent | null;
  /** Attempts made; the server writes the start of the last one only, with its number. */
  attempts: number;
  /** Why the attempt before the last failed. */
  retriedAfter: string | null;
}

const CLOSES = new Set([
  'ActivityTaskCompleted',
  'ActivityTaskFailed',
  'ActivityTaskTimedOut',
  'ActivityTaskCanceled',
]);

/** The activities of a trail in the order in which they closed; open ones last. */
export function activitySteps(trail: Trail): ActivityStep[] {
  const closed: ActivityStep[] = [];
  const open: ActivityStep[] = [];
  for (const { runId, events } of trail.executions) {
    const pending = new Map<number, ActivityStep>();
    for (const event of events) {
      if (event.type === 'ActivityTaskScheduled') {
        pending.set(event.eventId, {
          runId,
          name: event.name ?? '',
          summary: event.summary,
          input: event.input,
          closed: null,
          attempts: 0,
          retriedAfter: null,
        });
        continue;
      }
      const step = pending.get(event.scheduledEventId ?? 0);
      if (step === undefined) continue;
      if (event.type === 'ActivityTaskStarted') {
        step.attempts = event.attempt ?? 1;
        step.retriedAfter = event.failure;
      } else if (CLOSES.has(event.type)) {
        step.closed = event;
        closed.push(step);
        pending.delete(event.scheduledEventId ?? 0);
      }
    }
    open.push(...pending.values());
  }
  return [...closed, ...open];
}
