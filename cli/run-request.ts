import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { type RunRequest, toJsonSchema } from '../client/index.ts';
import { ToolSpecs } from '../protocol/index.ts';
import { CliError, EXIT } from './cli-error.ts';
import { readPackages } from './read-packages.ts';
import { collect, dollars, wholeNumber } from './parse-values.ts';
import { readInputs } from './read-inputs.ts';

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
  cache?: 'off' | 'run' | 'shared';
  confirm?: 'unseen' | 'always' | 'never';
  answerSchema?: string;
  tools?: string;
  mcp?: string[];
  package?: string[];
  from?: string;
  strict?: boolean;
  heapMib?: number;
}

export function withRequestOptions(command: Command): Command {
  return command
    .option(
      '-i, --input <name=path>',
      'a file, folder or glob pattern that the model finds as input_data["name"] (a path alone: as input_data); "-" reads standard input, s3://, https:// and worker:/path are read by the worker; can be given several times',
      collect,
    )
    .option('--strict', 'fail when any document cannot be read, instead of leaving it out')
    .option(
      '--heap-mib <n>',
      'heap of the REPL in MiB; large inputs need more (default: 1024)',
      wholeNumber(64, 4096),
    )
    .option('--model <name>', 'root model (default: RLM_MODEL, else gpt-5)')
    .option('--sub-model <name>', 'model of sub-calls (default: RLM_SUB_MODEL, else gpt-5-mini)')
    .option('--turns <n>', 'replies of the root model (default: 30)', wholeNumber(1))
    .option('--calls <n>', 'sub-calls of the whole run (default: 1,000)', wholeNumber(0))
    .option('--cost-usd <amount>', 'most that the run may spend (default: 1.00)', dollars)
    .option('--concurrency <n>', 'sub-calls in flight at once (default: 64)', wholeNumber(1, 500))
    .option('--depth <n>', 'how deep rlm_query may nest (default: 1)', wholeNumber(0, 5))
    .option('--seed <text>', 'makes the random numbers of the run repeatable')
    .option('--tools <file>', 'file with a JSON array of tools; see docs/tools.md')
    .option(
      '--mcp <name>',
      'an MCP server of the worker (RLM_MCP_CONFIG) whose tools the run has; can be given several times',
      collect,
    )
    .option(
      '--package <file.whl>',
      'a pure-Python wheel that is importable in the REPL; can be given several times',
      collect,
    )
    .option(
      '--from <run[:cell]>',
      'start on the variables and the conversation of another run, after its last cell or the one named; --input then adds to its inputs',
    )
    .addOption(
      new Option(
        '--cache <how>',
        'run, shared: equal sub-calls of the run, or of all runs, are asked once (default: off, each is a sample of its own)',
      ).choices(['off', 'run', 'shared']),
    )
    .addOption(
      new Option(
        '--confirm <when>',
        'when the model is asked to confirm a ready answer (default: unseen, that is when the same reply had output that it had not seen)',
      ).choices(['unseen', 'always', 'never']),
    )
    .option(
      '--answer-schema <file>',
      'file with a JSON Schema; the answer is JSON that satisfies it',
    );
}

/** Finds the inputs and puts the request together. Nothing is stored. Throws CliError. */
export async function toRequest(question: string, options: RequestOptions): Promise<RunRequest> {
  if (question.trim() === '') {
    throw new CliError('The question is empty: put it in quotes after the command.', {
      exitCode: EXIT.usage,
    });
  }
  if (options.input === undefined && options.from === undefined) {
    throw new CliError('There is no input: name a file or folder with --input name=path.', {
      exitCode: EXIT.usage,
    });
  }
  const value = options.input === undefined ? undefined : await readInputs(options.input);
  const budget = {
    ...(options.turns === undefined ? {} : { turns: options.turns }),
    ...(options.calls === undefined ? {} : { calls: options.calls }),
    ...(options.costUsd === undefined ? {} : { costUsd: options.costUsd }),
  };
  return {
    question,
    ...(value === undefined ? {} : { input: value }),
    ...(options.strict === true ? { strict: true } : {}),
    ...(options.heapMib === undefined ? {} : { limits: { heapMiB: options.heapMib } }),
    budget,
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.subModel === undefined ? {} : { subModel: options.subModel }),
    ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
    ...(options.depth === undefined ? {} : { maxDepth: options.depth }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    ...(options.cache === undefined ? {} : { cache: options.cache }),
    ...(options.tools === undefined ? {} : { tools: readTools(options.tools) }),
    ...(options.mcp === undefined ? {} : { mcp: options.mcp }),
    ...(options.package === undefined ? {} : { packages: await readPackages(options.package) }),
    ...(options.from === undefined ? {} : { from: forkSource(options.from) }),
    ...(options.confirm === undefined ? {} : { confirm: options.confirm }),
    ...(options.answerSchema === undefined
      ? {}
      : { answerSchema: readSchema(options.answerSchema) }),
  };
}

/** `RUN` or `RUN:CELL`; ids may hold colons of their own. */
function forkSource(text: string): NonNullable<RunRequest['from']> {
  const [, workflowId = '', cell] = /^(.+?)(?::(\d+\.\d+))?$/s.exec(text) ?? [];
  return { workflowId, ...(cell === undefined ? {} : { cell }) };
}

function readTools(file: string): NonNullable<RunRequest['tools']> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError(`--tools: ${file} cannot be read as JSON: ${why}.`, { cause: error });
  }
  const parsed = ToolSpecs.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.join('.') ?? '';
  throw new CliError(`--tools: ${file}: ${path === '' ? '' : `${path}: `}${issue?.message}.`);
}

/** Checked now: a wrong one must not start a server. */
function readSchema(file: string): Record<string, unknown> {
  const usage = (problem: string): CliError =>
    new CliError(`The schema ${file} ${problem}.`, { exitCode: EXIT.usage });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw usage('cannot be read: check --answer-schema');
  }
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch (error) {
    throw usage(`is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    throw usage('must be a JSON object');
  }
  return toJsonSchema({ ...schema });
}
