import type { Command } from 'commander';

/** Options of every command that talks to a Temporal server. */
export interface ServerOptions {
  address?: string;
  namespace?: string;
  debug?: boolean;
}

export function withServerOptions(command: Command): Command {
  return command
    .option(
      '--address <host:port>',
      'Temporal server to use; its workers do the work (default: TEMPORAL_ADDRESS, else the embedded server on RLM_HOME)',
    )
    .option('--namespace <name>', 'namespace on that server (default: TEMPORAL_NAMESPACE)')
    .option('--debug', 'show stack traces and the log of the worker');
}
