import type { CollectGarbageInput, CollectGarbageResult } from '../protocol/index.ts';
import { collect, type CollectOptions } from './collect.ts';
import { type Retention, retire, type Retired } from './forget.ts';
import type { Store } from './store.ts';

/** Forgets what the retention says, then collects: what `rlm gc` and the schedule do. Without a retention no server is asked. */
export async function collectGarbage(
  store: Store,
  { olderThanMs, dryRun }: CollectGarbageInput,
  asked: Pick<Retention, 'server' | 'statusOf'>,
  options: Pick<CollectOptions, 'signal' | 'onProgress' | 'graceMs'> = {},
): Promise<CollectGarbageResult> {
  const nobody: Retired = { forgotten: [], unknown: [] };
  const retired =
    olderThanMs === null ? nobody : await retire(store, { ...asked, olderThanMs, dryRun });
  const without = new Set(dryRun ? retired.forgotten : []);
  const done = await collect(store, { ...options, dryRun, without });
  return {
    dryRun,
    roots: done.roots,
    forgotten: new Set([...retired.forgotten, ...done.forgotten]).size,
    unknown: retired.unknown.length,
    blobs: done.blobs,
    storedBytes: done.storedBytes,
    discarded: done.discarded,
    discardedBytes: done.discardedBytes,
    young: done.young,
    unrooted: done.unrooted,
    waiting: done.trash.waiting,
    restored: done.trash.restored,
  };
}
