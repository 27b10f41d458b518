import { type Digest, type TrailEvent, TrailPiece, trailRecordKey } from '../protocol/index.ts';
import { getJson, type Store } from '../store/index.ts';
import { TrailBroken, TrailMissing } from './errors.ts';

/** The events of one execution as its trail keeps them: numbered from 1 without a gap. */
export interface TrailExecution {
  runId: string;
  events: TrailEvent[];
}

/** A run's history as it was sealed: its executions from the first (continued as new) to the one asked for. */
export interface Trail {
  workflowId: string;
  /** Newest piece. Whoever knows this digest can check everything before it. */
  digest: Digest;
  pieces: number;
  executions: TrailExecution[];
}

/**
 * Reads the trail of an execution and of those that it continues. Every piece is checked: its bytes against the digest
 * that the next one names, its workflow, and its events against the numbers that must follow. Throws TrailMissing,
 * TrailBroken, BlobMissing and BlobCorrupted.
 */
export async function readTrail(store: Store, workflowId: string, runId: string): Promise<Trail> {
  let newest: Digest | undefined;
  for (let piece = 0; ; piece += 1) {
    const found = await store.records.find(trailRecordKey(workflowId, runId, piece));
    if (found === undefined) break;
    if (newest !== undefined) await checkFollows(store, found, newest, `piece ${piece}`);
    newest = found;
  }
  if (newest === undefined) {
    throw new TrailMissing(
      `There is no sealed trail of run ${workflowId} (execution ${runId}) in ${store.describe()}.`,
    );
  }
  return await readTrailAt(store, newest, workflowId);
}

/** Reads the trail that ends with a piece, for instance the one that a `RunResult` names. Checks and throws as `readTrail`. */
export async function readTrailAt(
  store: Store,
  newest: Digest,
  workflowId: string,
): Promise<Trail> {
  const pieces: TrailPiece[] = [];
  for (let link: Digest | null = newest; link !== null;) {
    const piece: TrailPiece = await getJson(store, link, TrailPiece);
    if (piece.workflowId !== workflowId) {
      throw new TrailBroken(
        `The trail of ${workflowId} holds a piece of ${piece.workflowId} (${link}).`,
      );
    }
    pieces.unshift(piece);
    link = piece.previous;
  }
  const executions: TrailExecution[] = [];
  for (const { runId, events } of pieces) {
    const last = executions.at(-1);
    if (last?.runId === runId) last.events.push(...events);
    else executions.push({ runId, events: [...events] });
  }
  for (const execution of executions) checkNumbers(workflowId, execution);
  return { workflowId, digest: newest, pieces: pieces.length, executions };
}

async function checkFollows(
  store: Store,
  digest: Digest,
  expected: Digest,
  what: string,
): Promise<void> {
  const { previous, workflowId } = await getJson(store, digest, TrailPiece);
  if (previous === expected) return;
  throw new TrailBroken(
    `The trail of ${workflowId} is broken: ${what} follows ${previous ?? 'nothing'}, expected ${expected}.`,
  );
}

function checkNumbers(workflowId: string, { runId, events }: TrailExecution): void {
  for (const [index, { eventId }] of events.entries()) {
    if (eventId === index + 1) continue;
    throw new TrailBroken(
      `The trail of ${workflowId} is broken: execution ${runId} has event ${eventId} where ${index + 1} is expected.`,
    );
  }
}
