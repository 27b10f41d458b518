import type { Command } from 'commander';
import { print } from './output.ts';

/** `rlm worker`: works for the server that `TEMPORAL_ADDRESS` names, until it is told to stop. */
export function addWorkerCommand(program: Command): void {
  program
    .command('worker')
    .description('work for a Temporal server (TEMPORAL_ADDRESS, RLM_HOME, OPENAI_API_KEY)')
    .option(
      '--workflows-only',
      'answer queries and move workflows on; make no calls, run no Python',
    )
    .option('--json', 'print the line that says it is ready as JSON')
    .option('--debug', 'show stack traces')
    .action(work);
}

async function work(options: {
  json?: boolean;
  workflowsOnly?: boolean;
  debug?: boolean;
}): Promise<void> {
  // Loaded here: no other command needs the native packages that a worker is made of.
  const { installTelemetry, loadWorkerConfig, startWorker } = await import('../worker/index.ts');
  installTelemetry(options.debug === true ? 'INFO' : 'WARN');
  const config = loadWorkerConfig(process.env);
  const worker = await startWorker(config, {
    env: process.env,
    workflowsOnly: options.workflowsOnly === true,
  });
  const hosts = worker.kernelHostPids();
  stopOnSignals(() => worker.shutdown());
  print(
    options.json === true
      ? JSON.stringify({ ready: true, pid: process.pid, kernelHosts: hosts, queues: worker.queues })
      : `worker ready · pid ${process.pid} · kernel host ${hosts.join(', ') || 'none'} · queues ${worker.queues.join(', ')}`,
  );
  await worker.stopped;
}

/** The first signal lets the worker finish what it has in hand; a second one ends at once: Temporal gives the work to others. */
function stopOnSignals(shutdown: () => Promise<void>): void {
  let asked = false;
  const stop = (): void => {
    if (asked) process.exit(1);
    asked = true;
    // A failure shows in `stopped`, which the command awaits.
    shutdown().catch(() => undefined);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  // Started by another rlm command, it must not outlive it: the channel closes when that process dies.
  if (process.connected) {
    process.once('disconnect', stop);
    // The channel itself must not keep a worker alive that has been shut down.
    process.channel?.unref();
  }
}
