import type { Root } from './roots.ts';
import type { Store } from './store.ts';

/** Pieces of a root from which on they are worth being one. */
const MIN_PIECES = 64;
/** Digests and keys of one piece at most. */
const MAX_ENTRIES = 20_000;

/** Whether a root has so many old pieces that every later collection would read them for nothing. */
export function isScattered({ pieces }: Root, sinceMs: number): boolean {
  if (pieces.some(({ kind }) => kind === 'forgotten')) return false;
  return pieces.filter((piece) => isOld(piece, sinceMs)).length >= MIN_PIECES;
}

/** Writes the old pieces of a root as few. They go only when what they name is named by the new ones: killed in between, both are there. */
export async function compactRoot(
  store: Store,
  { owner, pieces }: Root,
  sinceMs: number,
): Promise<void> {
  const old = pieces.filter((piece) => isOld(piece, sinceMs));
  const blobs = [...new Set(old.flatMap((piece) => piece.blobs ?? []))].toSorted();
  const records = [...new Set(old.flatMap((piece) => piece.records ?? []))].toSorted();
  const made = new Set<string>();
  for (let at = 0; at < Math.max(blobs.length, records.length); at += MAX_ENTRIES) {
    const slice = <T>(items: T[]): T[] => items.slice(at, at + MAX_ENTRIES);
    const piece = { kind: 'kept' as const, owner, blobs: slice(blobs), records: slice(records) };
    made.add(await store.roots.add(piece));
  }
  for (const { name } of old) if (!made.has(name)) await store.roots.remove(owner, name);
}

function isOld({ kind, modifiedMs }: Root['pieces'][number], sinceMs: number): boolean {
  return kind === 'kept' && modifiedMs < sinceMs;
}
