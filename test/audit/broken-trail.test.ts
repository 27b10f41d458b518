import { describe, expect, test } from '@jest/globals';
import { readTrail, readTrailAt, TrailBroken, TrailMissing } from '../../audit/index.ts';
import {
  type Digest,
  type TrailEvent,
  type TrailPiece,
  trailRecordKey,
} from '../../protocol/index.ts';
import { BlobMissing, memoryStore, putJson, type Store } from '../../store/index.ts';

function event(eventId: number): TrailEvent {
  return {
    eventId,
    timeMs: 0,
    type: 'TimerFired',
    name: null,
    summary: null,
    scheduledEventId: null,
    attempt: null,
    failure: null,
  };
}

async function piece(
  store: Store,
  previous: Digest | null,
  ids: number[],
  changes: Partial<TrailPiece> = {},
): Promise<Digest> {
  const content = { previous, workflowId: 'w', runId: 'r', events: ids.map((id) => event(id)) };
  return (await putJson(store, { ...content, ...changes })).digest;
}

async function record(store: Store, pieces: Digest[]): Promise<void> {
  for (const [index, digest] of pieces.entries()) {
    await store.records.create(trailRecordKey('w', 'r', index), digest);
  }
}

async function failureOf(reading: Promise<unknown>): Promise<unknown> {
  return await reading.catch((error: unknown) => error);
}

describe('a trail is refused', () => {
  test('when there is none', async () => {
    const store = memoryStore();
    const failure = await failureOf(readTrail(store, 'w', 'r'));
    expect(failure).toBeInstanceOf(TrailMissing);
    expect(failure).toMatchObject({
      message: `There is no sealed trail of run w (execution r) in ${store.describe()}.`,
    });
  });

  test('when an event was taken out', async () => {
    const store = memoryStore();
    const only = await piece(store, null, [1, 2, 4]);
    const failure = await failureOf(readTrailAt(store, only, 'w'));
    expect(failure).toBeInstanceOf(TrailBroken);
    expect(failure).toMatchObject({
      message: 'The trail of w is broken: execution r has event 4 where 3 is expected.',
    });
  });

  test('when a piece was taken out and the next one made to fit its place', async () => {
    const store = memoryStore();
    const first = await piece(store, null, [1, 2]);
    const forged = await piece(store, null, [3, 4]);
    await record(store, [first, forged]);
    expect(await failureOf(readTrail(store, 'w', 'r'))).toMatchObject({
      name: 'TrailBroken',
      message: `The trail of w is broken: piece 1 follows nothing, expected ${first}.`,
    });
  });

  test('when an earlier piece was replaced, since the next one names it by digest', async () => {
    const store = memoryStore();
    const first = await piece(store, null, [1, 2]);
    const second = await piece(store, first, [3]);
    const forged = await piece(store, null, [1, 2], {
      events: [event(1), { ...event(2), type: 'X' }],
    });
    await record(store, [forged, second]);
    expect(await failureOf(readTrail(store, 'w', 'r'))).toMatchObject({
      message: `The trail of w is broken: piece 1 follows ${first}, expected ${forged}.`,
    });
  });

  test("when it holds another run's piece", async () => {
    const store = memoryStore();
    const other = await piece(store, null, [1], { workflowId: 'other' });
    const last = await piece(store, other, [2]);
    expect(await failureOf(readTrailAt(store, last, 'w'))).toMatchObject({
      message: `The trail of w holds a piece of other (${other}).`,
    });
  });

  test('when a piece is not in the store', async () => {
    const gone = await piece(memoryStore(), null, [1]);
    const store = memoryStore();
    const last = await piece(store, gone, [2]);
    expect(await failureOf(readTrailAt(store, last, 'w'))).toBeInstanceOf(BlobMissing);
  });
});
