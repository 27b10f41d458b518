import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { RunSteering } from '../client/index.ts';
import type { Progress } from '../protocol/index.ts';
import { CliError, EXIT } from './cli-error.ts';
import { type ServerOptions, withServerOptions } from './common-options.ts';
import { logTo, print } from './output.ts';
import { dollars, duration, wholeNumber } from './parse-values.ts';
import { progressLine } from './progress-line.ts';
import { openSession } from './session.ts';

interface ExtendOptions extends ServerOptions {
  turns?: number;
  calls?: number;
  costUsd?: number;
  tokens?: number;
  wallClock?: number;
}

interface ValueOptions extends ServerOptions {
  json?: boolean;
  file?: string;
  delete?: boolean;
}

/** `rlm steer|pause|resume|finish|extend|edit|answer`: what people ask of a run under way. Each prints where the run is when it has taken the request. */
export function addSteeringCommands(program: Command): void {
  add(program, 'steer', 'tell the model something; it sees it at its next turn')
    .argument('<message>', 'what to tell it')
    .action((id: string, message: string, options: ServerOptions) =>
      ask(options, (steering) => steering.steer(id, message)),
    );
  add(program, 'pause', 'start nothing new until "rlm resume"').action(
    (id: string, options: ServerOptions) => ask(options, (steering) => steering.pause(id)),
  );
  add(program, 'resume', 'go on with a paused run').action((id: string, options: ServerOptions) =>
    ask(options, (steering) => steering.resume(id)),
  );
  add(program, 'finish', 'end a run now, with its best draft as the result').action(
    (id: string, options: ServerOptions) => ask(options, (steering) => steering.finishNow(id)),
  );
  add(program, 'extend', 'set higher limits for a run')
    .option('--turns <n>', 'replies of the root model in all', wholeNumber(1))
    .option('--calls <n>', 'sub-calls in all', wholeNumber(0))
    .option('--cost-usd <amount>', 'most that the run may spend in all', dollars)
    .option('--tokens <n>', 'tokens in all', wholeNumber(1))
    .option('--wall-clock <time>', 'time since its start, for instance 2h', duration)
    .action((id: string, options: ExtendOptions) => {
      const limits = limitsOf(options);
      return ask(options, (steering) => steering.extendBudget(id, limits));
    });
  add(program, 'edit', 'set a variable of the REPL before its next cell')
    .argument('<variable>', 'name of the variable')
    .argument('[value]', 'its new value, a text')
    .option('--json', 'the value is JSON')
    .option('--file <path>', 'read the value from a file')
    .option('--delete', 'delete the variable')
    .action((id: string, variable: string, given: string | undefined, options: ValueOptions) => {
      const value = valueOf(given, options, '--file or --delete');
      return ask(options, (steering) => steering.editVariable(id, variable, value));
    });
  add(program, 'answer', 'answer a question that a run asks a person')
    .argument('<question>', 'id of the question, as "rlm progress" shows it, for instance 3.1.1')
    .argument('[text]', 'the answer')
    .option('--json', 'the answer is JSON')
    .option('--file <path>', 'read the answer from a file')
    .action((id: string, question: string, text: string | undefined, options: ValueOptions) => {
      const answer = valueOf(text, options, '--file');
      return ask(options, (steering) => steering.answerHuman(id, question, answer));
    });
}

function add(program: Command, name: string, description: string): Command {
  const command = program
    .command(name)
    .description(description)
    .argument('<id>', 'workflow id of the run');
  return withServerOptions(command);
}

async function ask(
  options: ServerOptions,
  request: (steering: RunSteering) => Promise<Progress>,
): Promise<void> {
  const session = await openSession(options, logTo(options.debug === true));
  try {
    // On a server that this command started nobody else takes the request.
    if (session.embedded?.owned === true) await session.startWorker();
    print(progressLine(await request(session.client.steering)));
  } finally {
    await session.close();
  }
}

function limitsOf(options: ExtendOptions): Parameters<RunSteering['extendBudget']>[1] {
  const { turns, calls, costUsd, tokens, wallClock } = options;
  const limits = {
    ...(turns === undefined ? {} : { turns }),
    ...(calls === undefined ? {} : { calls }),
    ...(costUsd === undefined ? {} : { costUsd }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(wallClock === undefined ? {} : { wallClockMs: wallClock }),
  };
  if (Object.keys(limits).length > 0) return limits;
  throw new CliError('There is no new limit: name one, for instance --cost-usd 5.', {
    exitCode: EXIT.usage,
  });
}

/** The value of the argument or the file; undefined deletes. */
function valueOf(given: string | undefined, options: ValueOptions, others: string): unknown {
  const ways = [given !== undefined, options.file !== undefined, options.delete === true];
  if (ways.filter(Boolean).length !== 1) {
    throw new CliError(`Give one value: as the last argument, or by ${others}.`, {
      exitCode: EXIT.usage,
    });
  }
  if (options.delete === true) return undefined;
  const text = given ?? readText(options.file ?? '');
  if (options.json !== true) return text;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(`The value is not JSON: ${error instanceof Error ? error.message : ''}.`, {
      exitCode: EXIT.usage,
    });
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError(`The file ${path} cannot be read: ${why}.`, { cause: error });
  }
}
