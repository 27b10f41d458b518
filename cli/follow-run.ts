import type { RlmClient, RunAnswer } from '../client/index.ts';
import { CliError } from './cli-error.ts';
import { liveView, type LiveView, plain } from './live-view.ts';
import { ingestLine } from './progress-line.ts';
import { watchRun } from './watch-run.ts';
import type { WorkerProcess } from './worker-process.ts';

/** Shows a run in a view until it ends, its last state included. Throws what `result` throws. */
export async function watchToEnd(
  client: RlmClient,
  workflowId: string,
  view: LiveView,
): Promise<RunAnswer> {
  const watching = new AbortController();
  const told = new Set<string>();
  const watched = watchRun(client, workflowId, {
    signal: watching.signal,
    onReading: (reading) => view.reading(plain(ingestLine(reading))),
    onProgress: (progress) => {
      for (const note of progress.inputNotes ?? []) {
        if (told.has(note)) continue;
        told.add(note);
        view.note(`Note: ${plain(note)}.`);
      }
      for (const { id, question } of progress.questions ?? []) {
        if (told.has(id)) continue;
        told.add(id);
        view.note(`The run asks: ${plain(question.text ?? `${question.head ?? ''}…`)}`);
        view.note(`Answer it in another terminal: rlm answer ${workflowId} ${id} TEXT`);
      }
      view.update(progress);
    },
  });
  try {
    const answer = await client.result(workflowId);
    const last = await client.progress(workflowId).catch(() => null);
    if (last !== null) view.update(last);
    return answer;
  } finally {
    watching.abort();
    await watched;
    view.end();
  }
}

/**
 * Shows a run on standard error until it ends. The first interrupt cancels the run and waits for its end, so
 * that nothing goes on spending unseen; a second one leaves at once. `worker` is the only one that works on it, if any.
 */
export async function followRun(
  client: RlmClient,
  workflowId: string,
  worker: WorkerProcess | null,
): Promise<RunAnswer> {
  const view = liveView(process.stderr);
  const interrupt = (): void => {
    process.once('SIGINT', () => process.exit(130));
    view.note('cancelling the run (again: leave at once, and the run waits for the next worker)');
    void client.cancel(workflowId).catch(() => undefined);
  };
  process.once('SIGINT', interrupt);
  try {
    const watched = watchToEnd(client, workflowId, view);
    if (worker === null) return await watched;
    return await Promise.race([watched, deathOf(worker, workflowId)]);
  } finally {
    process.removeListener('SIGINT', interrupt);
  }
}

/** Without its worker an embedded run would be waited for in vain. */
async function deathOf(worker: WorkerProcess, workflowId: string): Promise<never> {
  await worker.ended;
  throw new CliError(
    `The worker ended. Nothing is lost: "rlm result ${workflowId}" goes on with the run; add --debug to see the worker's log.`,
  );
}
