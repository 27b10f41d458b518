import type { Command } from 'commander';
import type { RunRequest } from '../client/index.ts';
import { InvalidDocument, readInputs } from '../documents/index.ts';
import { CliError, EXIT } from './cli-error.ts';
import { say } from './output.ts';
import { collect, dollars, wholeNumber } from './parse-values.ts';

/** Options that describe a run; shared by `rlm run` and `rlm schedule create`. */
export interface RequestOptions {
  input?: string[];
  model?: string;
  subModel?: string;
  turns?: number;
  calls?: number;
  costUsd?: number;
  concurrency?: number;
  depth?: number;
  seed?: string;
}

export function withRequestOptions(command: Command): Command {
  return command
    .option(
      '-i, --input <name=path>',
      'a file or folder that the model finds as input_data["name"] (a path alone: as input_data); can be given several times; "-" reads standard input',
      collect,
    )
    .option('--model <name>', 'root model (default: RLM_MODEL, else gpt-5)')
    .option('--sub-model <name>', 'model of sub-calls (default: RLM_SUB_MODEL, else gpt-5-mini)')
    .option('--turns <n>', 'replies of the root model (default: 30)', wholeNumber(1))
    .option('--calls <n>', 'sub-calls of the whole run (default: 1,000)', wholeNumber(0))
    .option('--cost-usd <amount>', 'most that the run may spend (default: 1.00)', dollars)
    .option('--concurrency <n>', 'sub-calls in flight at once (default: 64)', wholeNumber(1, 500))
    .option('--depth <n>', 'how deep rlm_query may nest (default: 1)', wholeNumber(0, 5))
    .option('--seed <text>', 'makes the random numbers of the run repeatable');
}

/** Reads the inputs and puts the request together. Nothing is stored. Throws CliError or what `readInputs` throws. */
export async function toRequest(question: string, options: RequestOptions): Promise<RunRequest> {
  if (question.trim() === '') {
    throw new CliError('The question is empty: put it in quotes after the command.', {
      exitCode: EXIT.usage,
    });
  }
  if (options.input === undefined) {
    throw new CliError('There is no input: name a file or folder with --input name=path.', {
      exitCode: EXIT.usage,
    });
  }
  const { value, notes } = await readInputs(options.input).catch((error: unknown) => {
    if (!(error instanceof InvalidDocument)) throw error;
    throw new CliError(`${error.message}: check --input.`, { cause: error });
  });
  for (const note of notes) say(`Note: ${note}.`);
  const budget = {
    ...(options.turns === undefined ? {} : { turns: options.turns }),
    ...(options.calls === undefined ? {} : { calls: options.calls }),
    ...(options.costUsd === undefined ? {} : { costUsd: options.costUsd }),
  };
  return {
    question,
    input: value,
    budget,
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.subModel === undefined ? {} : { subModel: options.subModel }),
    ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
    ...(options.depth === undefined ? {} : { maxDepth: options.depth }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  };
}
