import type { Root } from './roots.ts';
import type { Store } from './store.ts';

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
 * in the root, since the server forgets closed runs before the store does.
 */
export async function retire(store: Store, retention: Retention): Promise<Retired> {
  const { olderThanMs, dryRun = false } = retention;
  const nowMs = await store.upkeep.nowMs();
  const retired: Retired = { forgotten: [], unknown: [] };
  for await (const root of store.roots.all()) {
    if (root.pieces.some(({ kind }) => kind === 'forgotten')) continue;
    const endedMs = await endOf(store, root, retention);
    if (endedMs === 'unknown') retired.unknown.push(root.owner);
    else if (endedMs !== null && nowMs - endedMs > olderThanMs) {
      if (!dryRun) await forget(store, root.owner);
      retired.forgotten.push(root.owner);
    }
  }
  retired.forgotten.sort();
  retired.unknown.sort();
  return retired;
}

/** When an owner ended; null while it goes on. */
async function endOf(
  store: Store,
  { owner, pieces }: Root,
  { statusOf, server, dryRun }: Retention,
): Promise<number | null | 'unknown'> {
  const servers = pieces.flatMap((piece) => piece.server ?? []);
  // Of another server, which may know a run of the same name.
  if (servers.some((one) => one !== server)) return 'unknown';
  // A session or a runtime: no server knows it, its last use is its end.
  const lastMs = Math.max(...pieces.map(({ modifiedMs }) => modifiedMs));
  if (!/^(run|schedule) /.test(owner)) return owner.startsWith('runtime ') ? null : lastMs;
  const status = await statusOf(owner);
  if (status.kind === 'open') return null;
  const noted = pieces.findLast(({ kind }) => kind === 'ended')?.endedMs;
  if (status.kind === 'ended') {
    if (noted !== status.endedMs && dryRun !== true) {
      await store.roots.add({ kind: 'ended', owner, endedMs: status.endedMs });
    }
    return status.endedMs;
  }
  if (noted !== undefined) return noted;
  // This very server would know it if it had ever been started, or has forgotten it since.
  return servers.length > 0 ? lastMs : 'unknown';
}
