import type { CellOutcome, SubRunCall, WaitingCell } from '../../protocol/index.ts';
import { putText } from '../../store/index.ts';
import { world } from './opened-world.ts';
import { finished } from './states.ts';

const JOURNAL = `sha256:${'1'.repeat(64)}`;

export function waiting(callCount: number, subRuns: SubRunCall[] = []): WaitingCell {
  return {
    kind: 'waiting',
    journal: JOURNAL,
    firstCall: 1,
    callCount,
    previews: [],
    subRuns,
    computeMs: 1,
    way: 'fresh',
  };
}

export async function ready(): Promise<CellOutcome> {
  return finished({ answer: { content: await putText(world.store, 'Done.'), ready: true } });
}
