import { describe, expect, test } from '@jest/globals';
import { findForkPoint } from '../../activities/fork-point.ts';
import type { FinishedCell, TrailEvent } from '../../protocol/index.ts';
import { textRefOf } from '../../store/index.ts';
import { CARD, finished, rolledBack } from '../workflows/states.ts';

// Scope: which state of a run an event history leaves behind at which cell.

const digest = (fill: string): string => `sha256:${fill.repeat(64)}`;
const SECRET = '5'.repeat(64);
const KEY = { workflowId: 'run', cellAttempt: 1 };
const LIMITS = { computeMs: 1, heapMiB: 64, outputBytes: 1, filesBytes: 1, pendingCalls: 1 };

type Event = TrailEvent & { runId: string };

/** Events of activities, each scheduled and completed, in the order given. */
class History {
  readonly events: Event[] = [];
  runId = 'first';

  add(type: string, more: Partial<TrailEvent>): number {
    const eventId = this.events.filter(({ runId }) => runId === this.runId).length + 1;
    this.events.push({
      eventId,
      timeMs: 0,
      type,
      name: null,
      summary: null,
      scheduledEventId: null,
      attempt: null,
      failure: null,
      ...more,
      runId: this.runId,
    });
    return eventId;
  }

  done(name: string, input: unknown, result: unknown): this {
    const scheduledEventId = this.add('ActivityTaskScheduled', { name, input });
    this.add('ActivityTaskCompleted', { scheduledEventId, result });
    return this;
  }

  begin(): this {
    const open = {
      key: { ...KEY, cell: '0.0' },
      runtime: 'R',
      edits: [],
      seed: SECRET,
      clockMs: 7,
      limits: LIMITS,
      secret: SECRET,
    };
    return this.done('resolveSpec', {}, {})
      .done('ingest', [], { manifest: digest('a'), totalChars: 0, entryCount: 0 })
      .done('openRepl', open, { image: image('0'), computeMs: 1 });
  }

  turn(turn: number, question = 'Why?', blocks = 1): this {
    const input = {
      workflowId: 'run',
      turn,
      card: CARD,
      subModel: 's',
      question: textRefOf(question),
      manifest: digest('a'),
      depth: 0,
      maxDepth: 1,
      transcript: null,
      observation: null,
    };
    const cells = Array.from({ length: blocks }, () => textRefOf('x'));
    return this.done('nextTurn', input, { transcript: digest(String(turn)), cells });
  }

  cell(cell: string, fill: string, changes: Partial<FinishedCell> = {}): this {
    return this.done('runCell', stepOf(cell), finished({ image: image(fill), ...changes }));
  }
}

function stepOf(cell: string): Record<string, unknown> {
  return { key: { ...KEY, cell }, runtime: 'R', clockMs: 9 };
}

function image(fill: string): FinishedCell['image'] {
  return { blob: digest(fill), heapDigest: digest(fill), storedBytes: 1, heapBytes: 1 };
}

function find(history: History, cell?: string): ReturnType<typeof findForkPoint> {
  return findForkPoint(history.events, { workflowId: 'run', ...(cell && { cell }) });
}

describe('a fork point', () => {
  test('is the last cell that finished, with all that a run goes on with', () => {
    const content = textRefOf('So far.');
    const history = new History().begin().turn(1).cell('1.1', 'b').turn(2);
    history.cell('2.1', 'c', { answer: { content, ready: true }, stdout: textRefOf('out') });
    expect(find(history)).toEqual({
      workflowId: 'run',
      runId: 'first',
      cell: '2.1',
      turn: 2,
      blocks: 1,
      image: image('c'),
      transcript: digest('2'),
      cells: [
        {
          cell: '2.1',
          outcome: expect.objectContaining({
            kind: 'finished',
            stdout: { digest: textRefOf('out').digest, sizeBytes: 3, chars: 3 },
          }),
        },
      ],
      manifest: digest('a'),
      question: textRefOf('Why?').digest,
      secret: SECRET,
      draft: content,
      runtime: 'R',
      clockMs: 9,
    });
  });

  test('of an earlier cell knows nothing of later ones', () => {
    const history = new History().begin().turn(1).cell('1.1', 'b').cell('1.2', 'c').turn(2);
    expect(find(history, '1.1')).toMatchObject({
      image: image('b'),
      transcript: digest('1'),
      cells: [{ cell: '1.1' }],
    });
    expect(find(history, '1.2')?.cells.map(({ cell }) => cell)).toEqual(['1.1', '1.2']);
  });

  test('before the first turn is the opened REPL', () => {
    const history = new History().begin().turn(1).cell('1.1', 'b');
    expect(find(history, '0.0')).toMatchObject({ image: image('0'), transcript: null, turn: 0 });
  });

  test('is never a cell that was rolled back or waits, though the model is shown the first', () => {
    const history = new History().begin().turn(1).cell('1.1', 'b');
    history.done('runCell', stepOf('1.2'), rolledBack());
    expect(find(history, '1.2')).toBeNull();
    expect(find(history)?.cell).toBe('1.1');
    history.cell('1.3', 'c');
    expect(find(history)?.cells.map(({ cell, outcome }) => [cell, outcome.kind])).toEqual([
      ['1.1', 'finished'],
      ['1.2', 'rolledBack'],
      ['1.3', 'finished'],
    ]);
  });

  test('of a cell that was run again after a reset is the last time', () => {
    const history = new History().begin().turn(1).cell('1.1', 'b');
    history.runId = 'second';
    history.begin().turn(1).cell('1.1', 'd');
    expect(find(history, '1.1')).toMatchObject({ image: image('d'), runId: 'second' });
  });

  test('of an execution that continued another has the secret that was carried over', () => {
    const history = new History().begin().turn(1);
    history.runId = 'second';
    history.add('WorkflowExecutionStarted', { input: { carried: { secret: '6'.repeat(64) } } });
    history.turn(2).cell('2.1', 'e');
    expect(find(history)).toMatchObject({ secret: '6'.repeat(64), runId: 'second', turn: 2 });
  });

  test('of a fork that has run no cell yet is its source', () => {
    const source = find(new History().begin().turn(3).cell('3.1', 'b'));
    const fork = new History().done(
      'resolveSpec',
      {},
      { from: { ...source, workflowId: 'other' } },
    );
    expect(find(fork)).toEqual({ ...source, workflowId: 'run' });
  });

  test('of a fork has its own inputs and those before them, and what its draft cites', () => {
    const citations = { digest: digest('8'), sizeBytes: 1, chars: 1 };
    const content = textRefOf('So far.');
    const source = find(new History().begin().turn(1).cell('1.1', 'b'));
    const from = { ...source, workflowId: 'other', earlier: [digest('e')] };
    const ingested = (fill: string, entryCount: number): unknown => ({
      manifest: digest(fill),
      totalChars: 1,
      entryCount,
    });
    const begin = (): History => new History().done('resolveSpec', {}, { from });
    const answer = { content, ready: false, citations };
    const own = begin().done('ingest', [], ingested('7', 2)).turn(2).cell('2.1', 'c', { answer });
    expect(find(own)).toMatchObject({
      manifest: digest('7'),
      earlier: [digest('a'), digest('e')],
      draft: content,
      citations,
    });
    const none = begin().done('ingest', [], ingested('0', 0)).turn(2).cell('2.1', 'c');
    expect(find(none)).toMatchObject({ manifest: digest('a'), earlier: [digest('e')] });
  });

  test('after a compaction has the shorter transcript', () => {
    const history = new History().begin().turn(1);
    history.done('compactTranscript', {}, { transcript: digest('f') }).cell('1.1', 'b');
    expect(find(history)?.transcript).toBe(digest('f'));
  });

  test('is not found where nothing finished, or where it cannot be read', () => {
    expect(find(new History())).toBeNull();
    expect(find(new History().begin().turn(1), '1.1')).toBeNull();
    expect(find(new History().done('runCell', 'what', { kind: 'finished' }))).toBeNull();
  });
});
