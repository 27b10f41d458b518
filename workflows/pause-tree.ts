import { ApplicationFailure, defineSignal, getExternalWorkflowHandle } from '@temporalio/workflow';
import { PAUSE_TREE_SIGNAL } from '../protocol/index.ts';
import { report } from './report.ts';
import type { RunContext } from './run-context.ts';

export const pauseTreeSignal = defineSignal<[boolean]>(PAUSE_TREE_SIGNAL);

/** Pauses or resumes a run and the sub-runs and batches that it has under way, which do the same with theirs. Doing it twice is doing it once. */
export async function pauseTree(context: RunContext, paused: boolean): Promise<void> {
  const { steering } = context.state;
  steering.paused = paused;
  report(context, paused ? 'paused' : 'running');
  await Promise.all([...context.subRuns, ...context.batches.keys()].map((id) => tell(id, paused)));
}

export async function tell(workflowId: string, paused: boolean): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowId).signal(pauseTreeSignal, paused);
  } catch (error) {
    // It has ended meanwhile: nothing of it is left to pause.
    if (!(error instanceof ApplicationFailure)) throw error;
  }
}
