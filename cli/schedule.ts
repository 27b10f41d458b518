import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import type { RlmClient, RunRequest, ScheduledRuns, ScheduleTiming } from '../client/index.ts';
import { CliError, EXIT } from './cli-error.ts';
import { type ServerOptions, withServerOptions } from './common-options.ts';
import { logTo, print, say } from './output.ts';
import { collect, duration } from './parse-values.ts';
import { type RequestOptions, toRequest, withRequestOptions } from './run-request.ts';
import { openSession } from './session.ts';

interface CreateOptions extends ServerOptions, RequestOptions {
  spec?: string;
  cron?: string[];
  every?: number;
  timezone?: string;
}

/** Only the outline: the client checks every field and names the one that is wrong. */
const SpecFile = z.custom<RunRequest>(
  (value) => typeof value === 'object' && value !== null && 'question' in value && 'input' in value,
);

/** `rlm schedule`: runs of a saved spec at fixed times, kept by the Temporal server. */
export function addScheduleCommand(program: Command): void {
  const schedule = program.command('schedule').description('runs that start at fixed times');
  const create = schedule
    .command('create')
    .description('save a spec and start it at the given times')
    .argument('<id>', 'name of the schedule; its runs are called <id>-<time>')
    .argument('[question]', 'what to find out, unless --spec names a file')
    .option(
      '--spec <file>',
      'JSON file with question, input and options, as client.start takes them',
    )
    .option(
      '--cron <expression>',
      'five cron fields, for instance "0 7 * * 1"; can be given several times',
      collect,
    )
    .option('--every <time>', 'time between starts, for instance 1h', duration)
    .option('--timezone <name>', 'time zone of --cron (default: UTC)');
  withServerOptions(withRequestOptions(create)).action(createSchedule);

  withServerOptions(
    schedule.command('list').description('show all schedules').option('--json', 'print JSON'),
  ).action(listSchedules);
  act(schedule, 'trigger', 'start a run now', (client, id) => client.schedules.trigger(id));
  act(schedule, 'pause', 'start no more runs', (client, id) => client.schedules.pause(id));
  act(schedule, 'unpause', 'go on starting runs', (client, id) => client.schedules.unpause(id));
  act(schedule, 'delete', 'remove the schedule; runs that it started go on', (client, id) =>
    client.schedules.delete(id),
  );
}

const DONE: Record<string, string> = {
  trigger: 'A run of the schedule was started',
  pause: 'The schedule is paused',
  unpause: 'The schedule goes on',
  delete: 'The schedule was deleted',
};

function act(
  schedule: Command,
  name: string,
  description: string,
  run: (client: RlmClient, id: string) => Promise<void>,
): void {
  const command = schedule
    .command(name)
    .description(description)
    .argument('<id>', 'name of the schedule');
  withServerOptions(command).action(async (id: string, options: ServerOptions) => {
    await withClient(options, (client) => run(client, id));
    print(`${DONE[name]}: ${id}`);
  });
}

async function createSchedule(
  id: string,
  question: string | undefined,
  options: CreateOptions,
): Promise<void> {
  const timing = toTiming(options);
  const request = await requestOf(question, options);
  const embedded = await withClient(options, (client) =>
    client.schedules.create(id, request, timing),
  );
  print(`The schedule was created: ${id}`);
  if (embedded) say('Its runs start while "rlm ui" is open: the embedded server ends with it.');
}

async function requestOf(
  question: string | undefined,
  options: CreateOptions,
): Promise<RunRequest> {
  if ((question === undefined) === (options.spec === undefined)) {
    throw usage('Give either a question or --spec, the JSON file that holds it.');
  }
  return options.spec === undefined ? toRequest(question ?? '', options) : readSpec(options.spec);
}

/** The client checks the content; here the file must only be a JSON object. */
async function readSpec(file: string): Promise<RunRequest> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw usage(`The spec ${file} cannot be read: check the path.`, error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw usage(`The spec ${file} is not JSON: ${why}.`, error);
  }
  const spec = SpecFile.safeParse(value);
  if (!spec.success) {
    throw usage(
      `The spec ${file} must be a JSON object with "question" and "input" (a text, or an object of named texts).`,
    );
  }
  return spec.data;
}

function toTiming(options: CreateOptions): ScheduleTiming {
  if ((options.cron === undefined) === (options.every === undefined)) {
    throw usage('Say when the runs start: either --cron or --every.');
  }
  return {
    ...(options.cron === undefined ? {} : { cron: options.cron }),
    ...(options.every === undefined ? {} : { everyMs: options.every }),
    ...(options.timezone === undefined ? {} : { timezone: options.timezone }),
  };
}

async function listSchedules(options: ServerOptions & { json?: boolean }): Promise<void> {
  let found: ScheduledRuns[] = [];
  await withClient(options, async (client) => {
    found = await client.schedules.list();
  });
  if (options.json === true) return print(JSON.stringify(found));
  if (found.length === 0) return print('There are no schedules.');
  for (const one of found) {
    const next = one.paused ? 'paused' : `next ${one.next[0] ?? 'never'}`;
    const last = one.recent.at(-1);
    print(`${one.scheduleId} · ${next}${last === undefined ? '' : ` · last run ${last}`}`);
  }
}

/** Runs one request to the server; says whether that was the embedded one, started for this command only. */
async function withClient(
  options: ServerOptions,
  use: (client: RlmClient) => Promise<void>,
): Promise<boolean> {
  const session = await openSession(options, logTo(options.debug === true));
  try {
    await use(session.client);
    return session.embedded?.owned === true;
  } finally {
    await session.close();
  }
}

function usage(message: string, cause?: unknown): CliError {
  return new CliError(message, { exitCode: EXIT.usage, cause });
}
