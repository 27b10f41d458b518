import { once } from 'node:events';
import type { Command } from 'commander';
import { modelsAreConfigured } from './check-models.ts';
import { CliError } from './cli-error.ts';
import type { ServerOptions } from './common-options.ts';
import { logTo, print, say } from './output.ts';
import { openSession, type Session } from './session.ts';

/** `rlm ui`: the embedded server with its Web UI on `RLM_HOME`, and a worker that answers its queries. */
export function addUiCommand(program: Command): void {
  program
    .command('ui')
    .description('open the runs of this folder in the Web UI, until Ctrl-C')
    .option('--debug', 'show stack traces and the log of the worker')
    .action(ui);
}

async function ui(options: { debug?: boolean }): Promise<void> {
  if (process.env['TEMPORAL_ADDRESS'] !== undefined) {
    throw new CliError(
      'TEMPORAL_ADDRESS names a server of your own: open its Web UI, or unset the variable to use the embedded server.',
    );
  }
  const session = await openSession(options satisfies ServerOptions, logTo(options.debug === true));
  try {
    await serve(session);
  } finally {
    await session.close();
  }
}

async function serve(session: Session): Promise<void> {
  const stop = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  // Without a model it must not take calls away from a worker that has one.
  const configured = modelsAreConfigured();
  const worker = await session.startWorker(configured ? [] : ['--workflows-only']);
  say(`Temporal at ${session.address} · data in ${session.home.dir} · worker ${worker?.pid}`);
  if (!configured) {
    say('No model is configured (OPENAI_API_KEY): finished runs can be read, open ones wait.');
  }
  say('Ctrl-C stops both.');
  print(`${session.uiUrl ?? session.address}/namespaces/${session.namespace}/workflows`);
  await Promise.race([
    stop,
    worker?.ended.then(() => {
      throw new CliError('The worker ended; run again with --debug to see its log.');
    }),
  ]);
}
