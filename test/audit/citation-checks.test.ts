import { expect, test } from '@jest/globals';
import { citationChecks } from '../../audit/index.ts';
import type { TrailEvent } from '../../protocol/index.ts';

const digest = (fill: string): string => `sha256:${fill.repeat(64)}`;

function event(eventId: number, type: string, more: Partial<TrailEvent>): TrailEvent {
  const nothing = {
    name: null,
    summary: null,
    scheduledEventId: null,
    attempt: null,
    failure: null,
  };
  return { eventId, timeMs: 0, type, ...nothing, ...more };
}

test('the checks of citations of a run, with what did not hold', () => {
  const check = { report: digest('1'), total: 2, verified: 1, problems: ['Citation 2: no.'] };
  const name = 'checkCitations';
  const summary = 'citations of draft v2';
  const events = [
    event(1, 'ActivityTaskScheduled', { name, summary }),
    event(2, 'ActivityTaskCompleted', { scheduledEventId: 1, result: check }),
    event(3, 'ActivityTaskScheduled', { name: 'checkAnswer' }),
    event(4, 'ActivityTaskCompleted', { scheduledEventId: 3, result: { ok: true, problems: [] } }),
    event(5, 'ActivityTaskScheduled', { name, summary }),
    event(6, 'ActivityTaskFailed', { scheduledEventId: 5, failure: 'Blob.Missing: gone' }),
  ];
  const trail = {
    workflowId: 'run',
    digest: digest('0'),
    pieces: 1,
    executions: [{ runId: 'a', events }],
  };
  expect(citationChecks(trail)).toEqual([{ ...check, summary }]);
});
