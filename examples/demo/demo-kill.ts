import { type LiveView, watchRun, type WorkerProcess } from '../../cli/index.ts';
import type { RlmClient } from '../../client/index.ts';
import type { Progress } from '../../protocol/index.ts';
import type { DemoModel } from './demo-model.ts';

/** What was killed, and where the run was. */
export interface Kill {
  /** When the signal was sent, and when the worker was known to be gone. */
  atMs: number;
  goneMs: number;
  worker: number;
  kernelHosts: readonly number[];
  cell: string;
  answered: number;
  total: number;
}

/** Looks often: a round of the stand-in is over after a second. */
const LOOK_MS = 75;

/**
 * Watches a run and kills its worker and kernel host with SIGKILL when half of its first parallel round is
 * answered. Resolves with null when the run ended without such a round.
 */
export async function killHalfway(
  client: RlmClient,
  workflowId: string,
  worker: WorkerProcess,
  { view, log }: { view: LiveView; log: DemoModel['log'] },
): Promise<Kill | null> {
  const ended = new AbortController();
  const half = new AbortController();
  let at: Progress | undefined;
  const watched = watchRun(client, workflowId, {
    everyMs: LOOK_MS,
    signal: AbortSignal.any([ended.signal, half.signal]),
    onProgress: (progress) => {
      view.update(progress);
      if (!isHalfway(progress)) return;
      at = progress;
      half.abort();
    },
  });
  // How the run ended is reported by whoever awaits its result.
  const over = client.result(workflowId).then(
    () => ended.abort(),
    () => ended.abort(),
  );
  await Promise.race([watched, over]);
  if (at === undefined) return null;
  await untilInFlight(log);
  const atMs = Date.now();
  await worker.kill();
  return {
    atMs,
    goneMs: Date.now(),
    worker: worker.pid,
    kernelHosts: worker.kernelHosts,
    cell: at.cell ?? '',
    answered: at.round?.answered ?? 0,
    total: at.round?.total ?? 0,
  };
}

/** Between two waves of calls nothing would be lost, and nothing shown: waits for a call, a second at most. */
async function untilInFlight(log: DemoModel['log']): Promise<void> {
  for (const until = Date.now() + 1000; Date.now() < until;) {
    const calls = await log();
    if (calls === null || calls.some(({ durationMs }) => durationMs === null)) return;
  }
}

/** More than one call, at least half of them answered, and some of them not. */
export function isHalfway({ round }: Progress): boolean {
  return (
    round !== null &&
    round.total > 1 &&
    2 * round.answered >= round.total &&
    round.answered < round.total
  );
}
