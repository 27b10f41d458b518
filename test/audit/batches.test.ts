import { expect, test } from '@jest/globals';
import { callAttempts, readBatchTrails, type Trail, TrailBroken } from '../../audit/index.ts';
import { NO_USAGE, type TrailEvent } from '../../protocol/index.ts';
import { memoryStore, putJson, toTrailEvent } from '../../store/index.ts';

// Scope: the calls of a wide round are in the trails of its batches, which the run's own trail names.

const store = memoryStore();

function event(eventId: number, fields: Partial<TrailEvent>): TrailEvent {
  const none = { name: null, summary: null, scheduledEventId: null, attempt: null, failure: null };
  return { ...none, eventId, timeMs: 0, type: 'TimerFired', ...fields };
}

async function sealedBatch(workflowId: string): Promise<string> {
  const input = { key: { workflowId: 'run', cell: '1.1', cellAttempt: 1 }, call: 7 };
  const result = { status: 'ok', usage: NO_USAGE, repeated: true };
  const events = [
    event(1, { type: 'ActivityTaskScheduled', name: 'answerCall', input }),
    event(2, { type: 'ActivityTaskStarted', scheduledEventId: 1, attempt: 2, failure: 'lost' }),
    event(3, { type: 'ActivityTaskCompleted', scheduledEventId: 1, result }),
  ];
  return (await putJson(store, { previous: null, workflowId, runId: 'r', events })).digest;
}

function ended(
  eventId: number,
  name: string,
  workflowId: string,
  trail: string | null,
): TrailEvent {
  const spend = { turns: 0, calls: 1, usage: NO_USAGE, computeMs: 0 };
  const result = { failed: [], unasked: [], spend, trail };
  return event(eventId, { type: 'ChildWorkflowExecutionCompleted', name, workflowId, result });
}

function trailOf(...events: TrailEvent[]): Trail {
  const digest = `sha256:${'0'.repeat(64)}`;
  return { workflowId: 'run', digest, pieces: 1, executions: [{ runId: 'r', events }] };
}

test('the trails of batches are read, those of sub-runs and unsealed ones left out', async () => {
  const trail = trailOf(
    ended(1, 'callBatch', 'run/1.1-calls-1', await sealedBatch('run/1.1-calls-1')),
    ended(2, 'callBatch', 'run/1.1-calls-9', null),
    ended(3, 'rlmRun', 'run/1.1.1', await sealedBatch('run/1.1.1')),
  );
  const batches = await readBatchTrails(store, trail);
  expect(batches.map(({ workflowId }) => workflowId)).toEqual(['run/1.1-calls-1']);
  expect(batches.flatMap((batch) => callAttempts(batch))).toMatchObject([
    { cell: '1.1', call: 7, attempts: 2, repeated: true, retriedAfter: 'lost' },
  ]);
});

test('a batch whose trail is that of another workflow is refused', async () => {
  const trail = trailOf(ended(1, 'callBatch', 'run/a', await sealedBatch('run/b')));
  await expect(readBatchTrails(store, trail)).rejects.toThrow(TrailBroken);
});

test('an event says which workflow it is about', () => {
  const workflowExecution = { workflowId: 'run/1.1-calls-1', runId: 'r' };
  expect(
    toTrailEvent({ childWorkflowExecutionCompletedEventAttributes: { workflowExecution } }),
  ).toMatchObject({
    type: 'ChildWorkflowExecutionCompleted',
    workflowId: 'run/1.1-calls-1',
  });
});
