import { describe, expect, test } from '@jest/globals';
import { cellSteps, type Trail } from '../../audit/index.ts';
import type { CellOutcome, StepPlace, TrailEvent } from '../../protocol/index.ts';
import { finished, rolledBack } from '../workflows/states.ts';

const DIGEST = `sha256:${'1'.repeat(64)}`;

/** One activity: scheduled, started and closed. */
function step(
  key: { cell: string; cellAttempt?: number; journal?: string },
  closed: Partial<TrailEvent> & { type: string },
  started: Partial<TrailEvent> | null = {},
): Partial<TrailEvent>[] {
  const { cell, cellAttempt = 1, journal = null } = key;
  const input = { key: { workflowId: 'run', cell, cellAttempt }, journal };
  return [
    { type: 'ActivityTaskScheduled', name: 'runCell', input },
    ...(started === null ? [] : [{ type: 'ActivityTaskStarted', attempt: 1, ...started }]),
    closed,
  ];
}

function trailOf(...steps: Partial<TrailEvent>[][]): Trail {
  const events: TrailEvent[] = [];
  for (const parts of steps) {
    const scheduled = events.length + 1;
    for (const part of parts) {
      const own = part.type === 'ActivityTaskScheduled';
      events.push({
        eventId: events.length + 1,
        timeMs: 0,
        type: '',
        name: null,
        summary: null,
        scheduledEventId: own ? null : scheduled,
        attempt: null,
        failure: null,
        ...part,
      });
    }
  }
  return { workflowId: 'run', digest: DIGEST, pieces: 1, executions: [{ runId: 'r', events }] };
}

function completed(outcome: CellOutcome): Partial<TrailEvent> & { type: string } {
  return { type: 'ActivityTaskCompleted', result: outcome };
}

function at(way: StepPlace['way'], host: string): { place: StepPlace } {
  return { place: { way, host } };
}

describe('the steps of cells', () => {
  test('are told with their way, their host, and why they were tried again or elsewhere', () => {
    const trail = trailOf(
      step({ cell: '1.1' }, completed(finished(at('restored', 'a/1/2'))), {
        attempt: 2,
        failure: 'activity Heartbeat timeout',
      }),
      step(
        { cell: '2.1', journal: DIGEST },
        { type: 'ActivityTaskTimedOut', failure: 'activity ScheduleToStart timeout' },
        null,
      ),
      step({ cell: '2.1', journal: DIGEST }, completed(finished(at('replayed', 'b/3/4')))),
    );
    const common = { cellAttempt: 1 };
    expect(cellSteps(trail)).toEqual([
      {
        ...common,
        cell: '1.1',
        resumed: false,
        outcome: 'finished',
        way: 'restored',
        host: 'a/1/2',
        attempts: 2,
        why: 'activity Heartbeat timeout',
      },
      {
        ...common,
        cell: '2.1',
        resumed: true,
        outcome: 'lost',
        way: null,
        host: null,
        attempts: 0,
        why: 'activity ScheduleToStart timeout',
      },
      {
        ...common,
        cell: '2.1',
        resumed: true,
        outcome: 'finished',
        way: 'replayed',
        host: 'b/3/4',
        attempts: 1,
        why: null,
      },
    ]);
  });

  test('tell a cell that diverged from one that was rolled back, and know older outcomes without a place', () => {
    const trail = trailOf(
      step({ cell: '1.1' }, completed({ ...rolledBack(), reason: 'divergence' })),
      step({ cell: '1.1', cellAttempt: 2 }, completed(rolledBack())),
      step({ cell: '2.1' }, completed(finished())).slice(0, 2),
    );
    expect(
      cellSteps(trail).map(({ cell, cellAttempt, outcome, way }) => [
        cell,
        cellAttempt,
        outcome,
        way,
      ]),
    ).toEqual([
      ['1.1', 1, 'diverged', null],
      ['1.1', 2, 'rolledBack', null],
      ['2.1', 1, 'open', null],
    ]);
  });
});
