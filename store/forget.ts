import { ownedBy } from '../protocol/index.ts';
import { GRACE_MS } from './collect.ts';
import type { Root } from './roots.ts';
import type { Store } from './store.ts';

/** A session of `rlm repl` may be left alone for some hours. */
const SESSION_MS = 24 * 3_600_000;

/** What the server says of an owner: a run or a schedule. */
export type OwnerStatus =
  | { kind: 'open' }
  | { kind: 'ended'; endedMs: number }
  /** The server does not know it, or no longer. */
  | { kind: 'unknown' };

export interface Retention {
  /** Time since the end after which an owner is forgotten. */
  olderThanMs: number;
  /** Id of the namespace that is asked. */
  server: string;
  statusOf: (owner: string) => Promise<OwnerStatus>;
  dryRun?: boolean;
}

export interface Retired {
  forgotten: string[];
  /** Owners that this server does not know and that may be another server's. */
  unknown: string[];
}

/**
 * Forgets an owner at once and as a whole: all that its root has named is no longer kept by it. Its records and its
 * root are removed by the next collection, its blobs when nothing else keeps them. False when it has no root.
 */
export async function forget(store: Store, owner: string): Promise<boolean> {
  const root = await store.roots.find(owner);
  if (root === undefined) return false;
  const pieces = root.pieces.filter(({ kind }) => kind !== 'forgotten').map(({ name }) => name);
  if (pieces.length > 0)
    await store.roots.add({ kind: 'forgotten', owner, pieces: pieces.toSorted() });
  return true;
}

/**
 * Forgets what ended longer ago than the retention. What the server has not said to have ended stays; the end is noted
 * in the root, since the server forgets closed runs before the store does. Of what the server does not know (it was
 * never started, or is no longer known) the time at which that was first seen counts as its end.
 */
export async function retire(store: Store, retention: Retention): Promise<Retired> {
  const nowMs = await store.upkeep.nowMs();
  const retired: Retired = { forgotten: [], unknown: [] };
  for await (const root of store.roots.all()) {
    if (root.pieces.some(({ kind }) => kind === 'forgotten')) continue;
    const fate = await fateOf(store, root, retention, nowMs);
    if (fate === 'unknown') retired.unknown.push(root.owner);
    if (fate !== 'forget') continue;
    if (retention.dryRun !== true) await forget(store, root.owner);
    retired.forgotten.push(root.owner);
  }
  retired.forgotten.sort();
  retired.unknown.sort();
  return retired;
}

async function fateOf(
  store: Store,
  { owner, pieces }: Root,
  { statusOf, server, dryRun, olderThanMs }: Retention,
  nowMs: number,
): Promise<'forget' | 'keep' | 'unknown'> {
  const afterMs = (sinceMs: number, atLeastMs = 0): 'forget' | 'keep' =>
    nowMs - sinceMs > Math.max(olderThanMs, atLeastMs) ? 'forget' : 'keep';
  if (ownedBy(owner) === null) {
    // No server knows a session: its last use is its end. Images of runtimes are few and small.
    const lastMs = Math.max(...pieces.map(({ modifiedMs }) => modifiedMs));
    return owner.startsWith('repl ') ? afterMs(lastMs, SESSION_MS) : 'keep';
  }
  const servers = pieces.flatMap((piece) => piece.server ?? []);
  // Of another server, which may know a run of the same name.
  if (servers.some((one) => one !== server)) return 'unknown';
  const noted = pieces.findLast(({ kind }) => kind === 'ended')?.endedMs;
  // Asked again only before it goes: it may have been reset.
  if (noted !== undefined && afterMs(noted) === 'keep') return 'keep';
  const note = async (endedMs: number): Promise<void> => {
    if (noted === endedMs || dryRun === true) return;
    await store.roots.add({ kind: 'ended', owner, endedMs });
  };
  const status = await statusOf(owner);
  if (status.kind === 'open') {
    // It goes on after an end that was noted: that is no longer its end.
    if (noted !== undefined) await note(nowMs);
    return 'keep';
  }
  if (status.kind === 'ended') {
    await note(status.endedMs);
    return afterMs(status.endedMs);
  }
  // It may be about to be started: its client stores the inputs first.
  if (noted !== undefined) return afterMs(noted, GRACE_MS);
  if (servers.length === 0) return 'unknown';
  await note(nowMs);
  return 'keep';
}
