import type { Command } from 'commander';
import type { RlmClient, ScheduleTiming } from '../client/index.ts';
import type { CollectGarbageResult } from '../protocol/index.ts';
import { collectGarbage, openStore } from '../store/index.ts';
import { CliError, EXIT } from './cli-error.ts';
import { type ServerOptions, withServerOptions } from './common-options.ts';
import { homeFrom } from './home.ts';
import { logTo, print } from './output.ts';
import { duration } from './parse-values.ts';
import { openSession } from './session.ts';

interface GcOptions extends ServerOptions {
  dryRun?: boolean;
  olderThan?: number;
  schedule?: string;
  json?: boolean;
}

/** `rlm gc` and `rlm forget`: what of the store stays, and what goes. */
export function addGarbageCommands(program: Command): void {
  const gc = program
    .command('gc')
    .description('free what no run keeps in the store; safe while runs go on')
    .option('--dry-run', 'say what would go, change nothing')
    .option(
      '--older-than <time>',
      'first forget runs that ended longer ago, for instance 30d (default: RLM_RETENTION, else none)',
      duration,
    )
    .option(
      '--schedule <when>',
      'let the workers do it at fixed times: 1d, or five cron fields; "off" ends that',
    )
    .option('--json', 'print one JSON object');
  withServerOptions(gc).action(collect);
  const forget = program
    .command('forget')
    .description('give up all that ended runs keep in the store; gc then frees it')
    .argument(
      '<id...>',
      'workflow ids of runs; "schedule ID" or "repl ID" for the values of those',
    );
  withServerOptions(forget).action(forgetAll);
}

async function collect(options: GcOptions): Promise<void> {
  const olderThanMs = options.olderThan ?? retention(process.env['RLM_RETENTION']);
  const dryRun = options.dryRun === true;
  if (options.schedule !== undefined) {
    if (dryRun) throw usage('--dry-run and --schedule exclude each other.');
    return schedule(options.schedule, olderThanMs, options);
  }
  let result: CollectGarbageResult | undefined;
  if (olderThanMs === null) {
    // No server is needed to see what nothing keeps.
    const store = await openStore(homeFrom(process.env).storeLocation);
    const nobody = { server: '', statusOf: async () => ({ kind: 'unknown' as const }) };
    result = await collectGarbage(store, { olderThanMs, dryRun }, nobody);
  } else {
    await withClient(options, async (client) => {
      result = await client.garbage.collect({ olderThanMs, dryRun });
    });
  }
  if (result === undefined) return;
  if (options.json === true) print(JSON.stringify(result));
  else for (const line of linesOf(result)) print(line);
}

function linesOf(done: CollectGarbageResult): string[] {
  const { dryRun, unknown, young, unrooted, waiting, restored } = done;
  const forgotten = dryRun ? 'would be forgotten' : 'forgotten';
  const freed = dryRun ? 'would be freed' : waiting > 0 ? 'taken away' : 'freed';
  return [
    `${done.roots} roots keep values in the store, ${done.forgotten} ${forgotten}`,
    `${done.blobs} blobs, ${mib(done.storedBytes)}: ${done.discarded} ${freed}, ${mib(done.discardedBytes)}`,
    ...(young > 0 ? [`${young} blobs are kept by nothing, but too young to be sure`] : []),
    ...(unrooted > 0
      ? [`${unrooted} blobs are from before roots were kept here, and stay for ever`]
      : []),
    ...(waiting > 0 ? [`${waiting} blobs wait in the trash to be freed by a later gc`] : []),
    ...(restored > 0 ? [`${restored} blobs came back out of the trash`] : []),
    ...(unknown > 0
      ? [`${unknown} roots are of runs that this server does not know: rlm forget ID`]
      : []),
  ];
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

async function schedule(
  when: string,
  olderThanMs: number | null,
  options: GcOptions,
): Promise<void> {
  await withClient(options, async ({ garbage }) => {
    if (when === 'off') {
      const was = await garbage.unschedule();
      return print(
        was ? 'Garbage is collected at no fixed times any more.' : 'Nothing was scheduled.',
      );
    }
    const id = await garbage.schedule(toTiming(when), { olderThanMs });
    print(`The schedule was created: ${id}`);
  });
}

function toTiming(when: string): ScheduleTiming {
  if (when.trim().split(/\s+/).length === 5) return { cron: [when] };
  try {
    return { everyMs: duration(when) };
  } catch {
    throw usage('--schedule: expected a time like 1d, five cron fields, or "off".');
  }
}

function retention(text: string | undefined): number | null {
  if (text === undefined || text === '') return null;
  try {
    return duration(text);
  } catch {
    throw usage(`RLM_RETENTION is "${text}": expected a time like 30d.`);
  }
}

async function forgetAll(ids: string[], options: ServerOptions): Promise<void> {
  await withClient(options, async (client) => {
    for (const id of ids) {
      await client.garbage.forget(id);
      print(`Forgotten: ${id}`);
    }
    print('"rlm gc" frees what nothing else keeps.');
  });
}

async function withClient(
  options: ServerOptions,
  use: (client: RlmClient) => Promise<void>,
): Promise<void> {
  const session = await openSession(options, logTo(options.debug === true));
  try {
    await use(session.client);
  } finally {
    await session.close();
  }
}

function usage(message: string): CliError {
  return new CliError(message, { exitCode: EXIT.usage });
}
