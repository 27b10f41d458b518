import { CellOutcome, RunCellInput } from '../protocol/index.ts';
import type { Repl } from '../repl/index.ts';
import type { ReplActivities } from './contract.ts';
import { withHeartbeat } from './heartbeat.ts';

/**
 * One REPL step. Pure: it may run twice, anywhere, and gives the same outcome. When the host dies the attempt fails
 * and the next one starts from the same image; on cancellation the kernel is destroyed.
 */
export function createRunCell({ repl }: { repl: Repl }): ReplActivities['runCell'] {
  return async function runCell(input: RunCellInput): Promise<CellOutcome> {
    return withHeartbeat(async ({ signal, note }) => {
      const step = RunCellInput.parse(input);
      return CellOutcome.parse(
        await repl.runStep(step, { signal, onProgress: (progress) => note({ ...progress }) }),
      );
    });
  };
}
