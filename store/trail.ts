import {
  type Digest,
  type SealTrailInput,
  type SealTrailResult,
  TrailPiece,
  trailIndexKey,
  trailRecordKey,
} from '../protocol/index.ts';
import { InvalidInput } from './errors.ts';
import { getJson, putJson } from './json.ts';
import type { Store } from './store.ts';
import { eventIdOf, type HistoryEvent, toTrailEvent } from './trail-event.ts';

/**
 * Writes the events of an execution that no earlier piece holds as the next piece of its trail. Run twice it returns
 * the piece that was sealed first, although the history has grown since. Throws InvalidInput when events are missing
 * between the earlier piece and those given.
 */
export async function sealHistory(
  store: Store,
  events: readonly HistoryEvent[],
  input: SealTrailInput,
): Promise<SealTrailResult> {
  const { workflowId, runId, piece, previous } = input;
  const key = trailRecordKey(workflowId, runId, piece);
  const sealed = await store.records.find(key);
  if (sealed !== undefined) {
    // Once more: an earlier attempt may have died in between.
    await addToIndex(store, workflowId, sealed);
    return await describe(store, sealed);
  }

  const last = await lastSealedEvent(store, runId, previous);
  const fresh = events.filter((event) => eventIdOf(event) > last);
  for (const [index, event] of fresh.entries()) {
    const expected = last + 1 + index;
    if (eventIdOf(event) !== expected) {
      throw new InvalidInput(
        `history of ${workflowId}: expected event ${expected} next, got ${eventIdOf(event)}`,
      );
    }
  }
  const content: TrailPiece = {
    previous,
    workflowId,
    runId,
    events: fresh.map((event) => toTrailEvent(event)),
  };
  const { digest } = await putJson(store, content);
  const winner = await store.records.create(key, digest);
  await addToIndex(store, workflowId, winner);
  return winner === digest
    ? { trail: digest, events: content.events.length }
    : await describe(store, winner);
}

/** Every sealed piece of a workflow's executions, in the order in which they were sealed. Empty when nothing was. */
export async function readSealedPieces(store: Store, workflowId: string): Promise<TrailPiece[]> {
  const pieces: TrailPiece[] = [];
  for (let n = 0; ; n += 1) {
    const digest = await store.records.find(trailIndexKey(workflowId, n));
    if (digest === undefined) return pieces;
    pieces.push(await getJson(store, digest, TrailPiece));
  }
}

/** Takes the first free number; a piece that has one keeps it. */
async function addToIndex(store: Store, workflowId: string, piece: Digest): Promise<void> {
  for (let n = 0; ; n += 1) {
    if ((await store.records.create(trailIndexKey(workflowId, n), piece)) === piece) return;
  }
}

async function describe(store: Store, trail: Digest): Promise<SealTrailResult> {
  const { events } = await getJson(store, trail, TrailPiece);
  return { trail, events: events.length };
}

/** Number of the last event that earlier pieces of this execution hold; 0 when there is none. */
async function lastSealedEvent(
  store: Store,
  runId: string,
  previous: Digest | null,
): Promise<number> {
  let link = previous;
  while (link !== null) {
    const piece = await getJson(store, link, TrailPiece);
    if (piece.runId !== runId) return 0;
    const last = piece.events.at(-1);
    if (last !== undefined) return last.eventId;
    link = piece.previous;
  }
  return 0;
}
