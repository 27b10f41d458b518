import '../support/quiet-worker.ts';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import {
  callAttempts,
  cellDigests,
  readTrail,
  readTrailAt,
  type Trail,
} from '../../audit/index.ts';
import { trailRecordKey } from '../../protocol/index.ts';
import { digestOf, type HistoryEvent, memoryStore, sealHistory } from '../../store/index.ts';
import { temporalAddress } from '../support/shared-server.ts';
import { auditedActivities } from './audited-activities.ts';
import type { auditedRun } from './audited-run.ts';

// Scope: a real history, sealed by an activity while it grows, read back from the store alone.

const store = memoryStore();
const taskQueue = `audit-${randomUUID()}`;
const workflowId = `run-${randomUUID()}`;
let trail: Trail;
let newest: string;
let runIds: string[];
let lastEvents: readonly HistoryEvent[];

beforeAll(async () => {
  const connection = await Connection.connect({ address: temporalAddress() });
  const native = await NativeConnection.connect({ address: temporalAddress() });
  const worker = await Worker.create({
    connection: native,
    taskQueue,
    workflowsPath: join(import.meta.dirname, 'audited-run.ts'),
    activities: { ...auditedActivities(store) },
  });
  const client = new Client({ connection });
  await worker.runUntil(async () => {
    const handle = await client.workflow.start<typeof auditedRun>('auditedRun', {
      taskQueue,
      workflowId,
      args: [1, null],
    });
    newest = await handle.result();
    const { runId } = await client.workflow.getHandle(workflowId).describe();
    runIds = [handle.firstExecutionRunId, runId];
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    lastEvents = history.events ?? [];
  });
  trail = await readTrail(store, workflowId, runIds[1] ?? '');
  await native.close();
  await connection.close();
});

function expectedCalls(cell: string): unknown[] {
  return [
    {
      cell,
      cellAttempt: 1,
      call: 1,
      attempts: 1,
      repeated: false,
      status: 'ok',
      retriedAfter: null,
    },
    {
      cell,
      cellAttempt: 1,
      call: 2,
      attempts: 2,
      repeated: true,
      status: 'ok',
      retriedAfter: 'Model.RateLimited: busy',
    },
    {
      cell,
      cellAttempt: 1,
      call: 3,
      attempts: 1,
      repeated: false,
      status: 'gaveUp',
      retriedAfter: null,
    },
  ];
}

describe('a sealed trail', () => {
  test('holds the events of both executions, each numbered from 1, and is the same from its newest piece', async () => {
    expect(trail).toMatchObject({ workflowId, digest: newest, pieces: 4 });
    expect(trail.executions.map(({ runId }) => runId)).toEqual(runIds);
    for (const { events } of trail.executions) {
      expect(events.map(({ eventId }) => eventId)).toEqual(events.map((_, index) => index + 1));
      expect(events[0]?.type).toBe('WorkflowExecutionStarted');
    }
    expect(await readTrailAt(store, newest, workflowId)).toEqual(trail);
  });

  test('of an earlier execution ends with it', async () => {
    const earlier = await readTrail(store, workflowId, runIds[0] ?? '');
    expect(earlier.pieces).toBe(2);
    expect(earlier.executions).toEqual(trail.executions.slice(0, 1));
  });

  test('keeps names, summaries, inputs, results and failures of events', () => {
    const events = trail.executions[0]?.events ?? [];
    const cell = events.find(({ name }) => name === 'runCell');
    expect(cell).toMatchObject({
      type: 'ActivityTaskScheduled',
      summary: 'cell 1.1 · x = 1',
      input: { key: { workflowId, cell: '1.1', cellAttempt: 1 } },
      failure: null,
    });
    const closed = events.find(
      ({ scheduledEventId, type }) =>
        scheduledEventId === cell?.eventId && type === 'ActivityTaskCompleted',
    );
    expect(closed?.result).toMatchObject({ kind: 'finished' });
    expect(events.find(({ type }) => type === 'ActivityTaskFailed')?.failure).toBe(
      'Model.Unauthorized: wrong key',
    );
    expect(events.find(({ type }) => type === 'TimerStarted')?.summary).toBe('a short wait');
    const started = events.find(({ type }) => type === 'TimerStarted');
    expect(events.find(({ type }) => type === 'TimerFired')?.scheduledEventId).toBe(
      started?.eventId,
    );
    expect(events[0]).toMatchObject({ name: 'auditedRun', input: [1, null] });
    expect(events.every(({ timeMs }) => Math.abs(timeMs - Date.now()) < 600_000)).toBe(true);
  });

  test('tells the heap digest of each finished cell, in order', () => {
    expect(cellDigests(trail)).toEqual([
      { cell: '1.1', heapDigest: digestOf(Buffer.from('1.1')) },
      { cell: '2.1', heapDigest: digestOf(Buffer.from('2.1')) },
    ]);
  });

  test('tells how often each call was tried, why, and whether its answer was found stored', () => {
    const calls = callAttempts(trail).toSorted((a, b) =>
      `${a.cell}/${a.call}` < `${b.cell}/${b.call}` ? -1 : 1,
    );
    expect(calls).toEqual([...expectedCalls('1.1'), ...expectedCalls('2.1')]);
  });
});

describe('sealing', () => {
  test('twice returns the first piece, although the history has grown', async () => {
    const runId = runIds[1] ?? '';
    const first = await store.records.find(trailRecordKey(workflowId, runId, 0));
    const before = await readTrailAt(store, first ?? '', workflowId);
    const input = { workflowId, runId, piece: 0, previous: null };
    const again = await sealHistory(store, lastEvents, input);
    expect(again).toEqual({ trail: first, events: before.executions[1]?.events.length });
    expect(lastEvents.length).toBeGreaterThan(again.events);
  });

  test('puts into a later piece only what is new, and nothing when nothing is', async () => {
    const fresh = memoryStore();
    const seal = async (piece: number, previous: string | null, count: number) =>
      await sealHistory(fresh, lastEvents.slice(0, count), {
        workflowId,
        runId: 'r',
        piece,
        previous,
      });
    const first = await seal(0, null, 5);
    const second = await seal(1, first.trail, 5);
    const third = await seal(2, second.trail, 8);
    expect([first.events, second.events, third.events]).toEqual([5, 0, 3]);
    const read = await readTrail(fresh, workflowId, 'r');
    expect(read.executions[0]?.events).toHaveLength(8);
    expect(read.pieces).toBe(3);
  });

  test('by two attempts at once makes one piece', async () => {
    const fresh = memoryStore();
    const input = { workflowId, runId: 'r', piece: 0, previous: null };
    const sealed = await Promise.all(
      [5, 7, 9].map((count) => sealHistory(fresh, lastEvents.slice(0, count), input)),
    );
    expect(new Set(sealed.map(({ trail: digest }) => digest)).size).toBe(1);
    expect(new Set(sealed.map(({ events }) => events)).size).toBe(1);
  });

  test('refuses a history with a gap', async () => {
    const input = { workflowId, runId: 'r', piece: 0, previous: null };
    const gap = lastEvents.filter((_, index) => index !== 3);
    await expect(sealHistory(memoryStore(), gap, input)).rejects.toThrow(
      `history of ${workflowId}: expected event 4 next, got 5`,
    );
  });
});
