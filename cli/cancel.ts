import type { Command } from 'commander';
import { type ServerOptions, withServerOptions } from './common-options.ts';
import { logTo, print } from './output.ts';
import { openSession } from './session.ts';

/** `rlm cancel`: asks a run and its sub-runs to stop; its best draft stays readable with `rlm progress`. */
export function addCancelCommand(program: Command): void {
  const command = program
    .command('cancel')
    .description('stop a run and its sub-runs')
    .argument('<id>', 'workflow id of the run');
  withServerOptions(command).action(cancel);
}

async function cancel(id: string, options: ServerOptions): Promise<void> {
  const session = await openSession(options, logTo(options.debug === true));
  try {
    await session.client.cancel(id);
    print(`Run ${id} was asked to stop; its best draft stays: rlm progress ${id}`);
  } finally {
    await session.close();
  }
}
