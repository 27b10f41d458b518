import type { ScheduleSpec } from '@temporalio/client';
import type { ScheduleTiming } from './run-schedules.ts';

/** When a schedule starts something, in Temporal's words. */
export function scheduleSpec({ cron, everyMs, timezone }: ScheduleTiming): ScheduleSpec {
  return {
    ...(cron === undefined ? {} : { cronExpressions: cron }),
    ...(everyMs === undefined ? {} : { intervals: [{ every: everyMs }] }),
    timezone: timezone ?? 'UTC',
  };
}
