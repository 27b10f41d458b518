import { compactRoot, isScattered } from './compact-root.ts';
import { hexOf } from './digest.ts';
import type { Root } from './roots.ts';
import type { Store, TrashSettled } from './store.ts';

/** The longest that an activity of a run can take, its retries apart: a model call. */
const LONGEST_ACTIVITY_MS = 2 * 3_600_000;
/** A blob younger than this is never collected: whoever put it may not have come to extend a root. */
export const GRACE_MS: number = LONGEST_ACTIVITY_MS + 3_600_000;

export interface CollectOptions {
  /** Says what would go, and changes nothing. */
  dryRun?: boolean;
  /** At least, and by default, the longest activity timeout plus an hour; less only in tests. */
  graceMs?: number;
  /** Owners that are counted as forgotten although they are not: for a dry run. */
  without?: ReadonlySet<string>;
  signal?: AbortSignal;
  /** Called after each step, at least every thousand blobs. */
  onProgress?: (progress: { phase: string; blobs: number }) => void;
}

export interface Collected {
  dryRun: boolean;
  roots: number;
  /** Owners forgotten before, whose roots and records went now. */
  forgotten: string[];
  removedRecords: number;
  blobs: number;
  storedBytes: number;
  /** Kept by no root. */
  garbage: number;
  garbageBytes: number;
  /** Of the garbage: too young to be sure of. */
  young: number;
  /** Of the garbage: from before roots were kept in this store. */
  unrooted: number;
  /** Taken away, and their bytes. */
  discarded: number;
  discardedBytes: number;
  trash: TrashSettled;
}

/** What roots keep. */
interface Marks {
  live: Set<string>;
  liveRecords: Set<string>;
  dead: Root[];
  /** Of many old pieces. */
  scattered: string[];
  roots: number;
}

/**
 * Frees what no root keeps. Safe while runs go on and beside another collection, when it is killed at any point, and
 * run any number of times:
 *
 * G1  Time is read first. A blob goes only when it was last put or touched longer than `graceMs` before that; an
 *     activity that put it earlier has ended, and its extension of the root was read.
 * G2  A blob goes only when no root names it. Roots name all that their runs have put, and all that forks take over.
 * G3  A put or touch that comes while a blob is taken away is not lost; see `Upkeep.discard`.
 * G4  When any piece of a root cannot be read, nothing is deleted.
 */
export async function collect(store: Store, options: CollectOptions = {}): Promise<Collected> {
  const { dryRun = false, graceMs = GRACE_MS, signal, onProgress } = options;
  const sinceMs = (await store.upkeep.nowMs()) - graceMs;
  const rootsSinceMs = await store.upkeep.rootsSinceMs();
  const { live, liveRecords, dead, scattered, roots } = await mark(store, options, sinceMs);
  const done = emptyReport(dryRun, roots, dead);
  if (!dryRun) {
    for (const root of dead) done.removedRecords += await remove(store, root, liveRecords);
    done.trash = await store.upkeep.settleTrash((digest) => live.has(hexOf(digest)), sinceMs);
  }
  for await (const { digest, storedBytes, modifiedMs } of store.upkeep.blobs()) {
    signal?.throwIfAborted();
    if (done.blobs % 1000 === 0) onProgress?.({ phase: 'sweeping', blobs: done.blobs });
    done.blobs += 1;
    done.storedBytes += storedBytes;
    if (live.has(hexOf(digest))) continue;
    done.garbage += 1;
    done.garbageBytes += storedBytes;
    if (modifiedMs <= rootsSinceMs) done.unrooted += 1;
    else if (modifiedMs > sinceMs) done.young += 1;
    else if (dryRun || (await store.upkeep.discard(digest, sinceMs))) {
      done.discarded += 1;
      done.discardedBytes += storedBytes;
    }
  }
  for (const owner of dryRun ? [] : scattered) {
    signal?.throwIfAborted();
    const root = await store.roots.find(owner);
    // Not one that was forgotten meanwhile: nothing would say so of its new pieces.
    if (root !== undefined && isScattered(root, sinceMs)) await compactRoot(store, root, sinceMs);
  }
  return done;
}

async function mark(
  store: Store,
  { without, signal, onProgress }: CollectOptions,
  sinceMs: number,
): Promise<Marks> {
  // Hex digits alone: there may be millions.
  const live = new Set<string>();
  const liveRecords = new Set<string>();
  const dead: Root[] = [];
  const scattered: string[] = [];
  let roots = 0;
  for await (const root of store.roots.all()) {
    signal?.throwIfAborted();
    onProgress?.({ phase: 'marking', blobs: live.size });
    if (without?.has(root.owner) === true) continue;
    const forgotten = forgottenPieces(root);
    if (forgotten.size > 0) dead.push(root);
    else if (isScattered(root, sinceMs)) scattered.push(root.owner);
    const kept = root.pieces.filter(({ name }) => !forgotten.has(name));
    if (kept.some(({ kind }) => kind !== 'forgotten')) roots += 1;
    for (const { blobs = [], records = [] } of kept) {
      for (const digest of blobs) live.add(hexOf(digest));
      for (const key of records) liveRecords.add(key);
    }
  }
  return { live, liveRecords, dead, scattered, roots };
}

function forgottenPieces({ pieces }: Root): Set<string> {
  return new Set(
    pieces.flatMap(({ kind, pieces: named = [] }) => (kind === 'forgotten' ? named : [])),
  );
}

/** Removes the records of a forgotten owner, then what it kept, and last what says that it is forgotten: killed anywhere in between, the next collection goes on. */
async function remove(store: Store, root: Root, live: ReadonlySet<string>): Promise<number> {
  const forgotten = forgottenPieces(root);
  const keys = new Set<string>();
  for (const { name, records = [] } of root.pieces) {
    if (forgotten.has(name)) for (const key of records) if (!live.has(key)) keys.add(key);
  }
  for (const key of keys) await store.upkeep.removeRecord(key);
  for (const { name } of root.pieces)
    if (forgotten.has(name)) await store.roots.remove(root.owner, name);
  for (const { kind, name } of root.pieces) {
    if (kind === 'forgotten') await store.roots.remove(root.owner, name);
  }
  return keys.size;
}

function emptyReport(dryRun: boolean, roots: number, dead: readonly Root[]): Collected {
  return {
    dryRun,
    roots,
    forgotten: dead.map(({ owner }) => owner).toSorted(),
    removedRecords: 0,
    blobs: 0,
    storedBytes: 0,
    garbage: 0,
    garbageBytes: 0,
    young: 0,
    unrooted: 0,
    discarded: 0,
    discardedBytes: 0,
    trash: { restored: 0, waiting: 0, waitingBytes: 0, freed: 0, freedBytes: 0 },
  };
}
