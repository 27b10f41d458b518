import type { WaitingCell } from '../../protocol/index.ts';

/** Of a journal that nobody reads, where a test does not have one. */
export const JOURNAL: string = `sha256:${'1'.repeat(64)}`;

/** The outcome of a cell that waits for one call, and what a test wants otherwise. */
export function waiting(changes: Partial<WaitingCell> = {}): WaitingCell {
  return {
    kind: 'waiting',
    journal: JOURNAL,
    firstCall: 1,
    callCount: 1,
    previews: [],
    subRuns: [],
    computeMs: 1,
    way: 'fresh',
    ...changes,
  };
}
