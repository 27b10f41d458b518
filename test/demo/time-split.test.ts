import { describe, expect, test } from '@jest/globals';
import { splitTime } from '../../examples/demo/demo-time-split.ts';
import type { TrailEvent } from '../../protocol/index.ts';

let nextId = 1;

function event(type: string, timeMs: number, more: Partial<TrailEvent> = {}): TrailEvent {
  return {
    eventId: nextId++,
    timeMs,
    type,
    name: null,
    summary: null,
    scheduledEventId: null,
    attempt: null,
    failure: null,
    ...more,
  };
}

/** An activity that was scheduled, started and completed at these times. */
function activity(name: string, times: [number, number, number], attempt = 1): TrailEvent[] {
  const plan = event('ActivityTaskScheduled', times[0], { name });
  const scheduledEventId = plan.eventId;
  return [
    plan,
    event('ActivityTaskStarted', times[1], { scheduledEventId, attempt }),
    event('ActivityTaskCompleted', times[2], { scheduledEventId }),
  ];
}

function run(...activities: TrailEvent[][]): TrailEvent[] {
  const inside = activities.flat().toSorted((a, b) => a.timeMs - b.timeMs);
  return [
    event('WorkflowExecutionStarted', 0),
    ...inside,
    event('WorkflowExecutionCompleted', 100),
  ];
}

describe('splitTime', () => {
  test('counts each moment once: parallel calls are not added up', () => {
    const split = splitTime(
      run(
        activity('ingest', [0, 5, 10]),
        activity('answerCall', [20, 20, 50]),
        activity('answerCall', [20, 30, 60]),
      ),
    );
    expect(split).toEqual({
      total: 100,
      kernel: 0,
      model: 40,
      ingest: 5,
      lost: 0,
      temporal: 55,
      modelSum: 60,
    });
  });

  test('a Python step goes before a call that is still under way', () => {
    const split = splitTime(
      run(activity('answerCall', [0, 0, 80]), activity('runCell', [40, 50, 70])),
    );
    expect([split.kernel, split.model, split.temporal]).toEqual([20, 60, 20]);
  });

  test('what came before the last attempt of a call is time in which it was lost', () => {
    const split = splitTime(
      run(activity('answerCall', [0, 0, 10]), activity('answerCall', [0, 60, 70], 2)),
    );
    expect([split.model, split.lost, split.temporal]).toEqual([20, 50, 30]);
  });

  test('an activity without an end is left out, and no events take no time', () => {
    const open = run(activity('runCell', [10, 20, 30]).slice(0, 2));
    expect(splitTime(open)).toMatchObject({ total: 100, kernel: 0, temporal: 100 });
    expect(splitTime([])).toMatchObject({ total: 0, temporal: 0 });
  });
});
