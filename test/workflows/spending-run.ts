import type { CellOutcome, SubRunCall, WaitingCell } from '../../protocol/index.ts';
import { putText } from '../../store/index.ts';
import { world } from './opened-world.ts';
import { finished } from './states.ts';
import { waiting as waitingCell } from './waiting-cell.ts';

export function waiting(callCount: number, subRuns: SubRunCall[] = []): WaitingCell {
  return waitingCell({ callCount, subRuns });
}

export async function ready(): Promise<CellOutcome> {
  return finished({ answer: { content: await putText(world.store, 'Done.'), ready: true } });
}
