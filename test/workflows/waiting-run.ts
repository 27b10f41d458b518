import type { CellOutcome, WaitingCell } from '../../protocol/index.ts';
import { putText, type Store } from '../../store/index.ts';
import type { Script } from './fake-world.ts';
import { world } from './opened-world.ts';
import { finished } from './states.ts';
import { waiting as waitingCell } from './waiting-cell.ts';

export function waiting(firstCall: number, callCount: number): WaitingCell {
  const previews = Array.from({ length: callCount }, (_, i) => `prompt ${firstCall + i}`);
  return waitingCell({ firstCall, callCount, previews });
}

export async function ready(store: Store, text = 'The answer.'): Promise<CellOutcome> {
  return finished({ answer: { content: await putText(store, text), ready: true } });
}

/** Waits once for `calls` calls, then finishes ready. */
export function oneRound(calls: number): Pick<Script, 'reply' | 'cell'> {
  return {
    reply: () => ['ask()'],
    cell: (input) => (input.journal === null ? waiting(1, calls) : ready(world.store)),
  };
}
