import type { CellOutcome, WaitingCell } from '../../protocol/index.ts';
import { putText, textRefOf } from '../../store/index.ts';
import type { Script } from './fake-world.ts';
import { world } from './opened-world.ts';
import { finished } from './states.ts';
import { waiting } from './waiting-cell.ts';

export async function ready(text = 'The answer.'): Promise<CellOutcome> {
  return finished({ answer: { content: await putText(world.store, text), ready: true } });
}

export async function draft(text: string): Promise<CellOutcome> {
  return finished({ answer: { content: await putText(world.store, text), ready: false } });
}

/** A run that stands still in its first turn until `go` is called. */
export function held(rest: Partial<Script> = {}): {
  script: Script;
  begun: Promise<void>;
  go: () => void;
} {
  const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  return {
    begun: begun.promise,
    go: () => gate.resolve(),
    script: {
      reply: async () => {
        begun.resolve();
        await gate.promise;
        return ['x = 1'];
      },
      cell: ({ key }) => (key.cell === '1.1' ? finished() : ready()),
      ...rest,
    },
  };
}

export function refusedBy(workflowId: string, why: string): string {
  return `Run ${workflowId} refused this: ${why}`;
}

export const ASKS: WaitingCell = waiting({
  previews: [''],
  humans: [{ call: 1, question: textRefOf('Which of the two?') }],
});

/** Looks again until it is so; a test that waits for ever fails by its own limit. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
}
