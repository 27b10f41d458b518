import type { Command } from 'commander';
import { CliError } from './cli-error.ts';
import { type ServerOptions, withServerOptions } from './common-options.ts';
import { blockLines } from './live-view.ts';
import { logTo, print } from './output.ts';
import { ingestLine } from './progress-line.ts';
import { openSession } from './session.ts';

/** `rlm progress`: where a run is, once. */
export function addProgressCommand(program: Command): void {
  const command = program
    .command('progress')
    .description('show where a run is')
    .argument('<id>', 'workflow id of the run')
    .option('--json', 'print one JSON object');
  withServerOptions(command).action(showProgress);
}

async function showProgress(
  id: string,
  options: ServerOptions & { json?: boolean },
): Promise<void> {
  const session = await openSession(options, logTo(options.debug === true));
  try {
    const progress = await session.client.progress(id);
    if (progress === null) {
      const reading = await session.client.ingestProgress(id);
      if (reading === null) throw new CliError(`Run ${id} has not begun its first turn yet.`);
      print(options.json === true ? JSON.stringify({ ingest: reading }) : ingestLine(reading));
      return;
    }
    print(options.json === true ? JSON.stringify(progress) : blockLines(progress).join('\n'));
  } finally {
    await session.close();
  }
}
