import { type Command, Option } from 'commander';
import { modelEnvironment } from './model-environment.ts';
import { print } from './output.ts';
import { stopOnSignals } from './stop-signals.ts';

/** `rlm worker`: works for the server that `TEMPORAL_ADDRESS` names, until it is told to stop. */
export function addWorkerCommand(program: Command): void {
  program
    .command('worker')
    .description('work for a Temporal server (TEMPORAL_ADDRESS, RLM_HOME, OPENAI_API_KEY)')
    .addOption(
      new Option(
        '--roles <list>',
        'some of workflow,model,repl: what this process does (default: all)',
      ).conflicts('workflowsOnly'),
    )
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
  roles?: string;
  debug?: boolean;
}): Promise<void> {
  // Loaded here: no other command needs the native packages that a worker is made of.
  const { endTelemetry, installTelemetry, loadWorkerConfig, parseRoles, startWorker } =
    await import('../worker/index.ts');
  const roles = options.roles === undefined ? {} : { roles: parseRoles(options.roles) };
  const config = loadWorkerConfig(process.env);
  installTelemetry(options.debug === true ? 'INFO' : 'WARN');
  const worker = await startWorker(config, {
    env: modelEnvironment(),
    workflowsOnly: options.workflowsOnly === true,
    ...roles,
  }).catch(async (error: unknown) => {
    await endTelemetry();
    throw error;
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
