import { Context } from '@temporalio/activity';
import { CellOutcome, RunCellInput } from '../protocol/index.ts';
import { isLost, type Repl } from '../repl/index.ts';
import type { Store } from '../store/index.ts';
import type { ReplActivities } from './contract.ts';
import { withHeartbeat } from './heartbeat.ts';
import { stepsBehind } from './lost-images.ts';

/**
 * One REPL step. Pure: it may run twice, anywhere, and gives the same outcome. When the host dies the attempt fails
 * and the next one starts from the same image; on cancellation the kernel is destroyed.
 * A heap image that is missing or damaged is rebuilt from the steps that the run's own events tell.
 */
export function createRunCell({
  repl,
  store,
}: {
  repl: Repl;
  store: Store;
}): ReplActivities['runCell'] {
  return async function runCell(input: RunCellInput): Promise<CellOutcome> {
    return withHeartbeat(async ({ signal, note }) => {
      const step = RunCellInput.parse(input);
      const run = async (): Promise<CellOutcome> =>
        CellOutcome.parse(
          await repl.runStep(step, { signal, onProgress: (progress) => note({ ...progress }) }),
        );
      try {
        return await run();
      } catch (error) {
        if (!isLost(error)) throw error;
        note({ phase: 'rebuilding the heap image' });
        const { client, info } = Context.current();
        const workflowId = info.workflowExecution?.workflowId;
        if (workflowId === undefined) throw error;
        const steps = await stepsBehind({ store, client }, workflowId);
        // Does nothing when it is another blob that is lost: then the step says so again.
        await (await repl.rebuilder(steps, signal)).ensure(step.image);
        return await run();
      }
    });
  };
}
