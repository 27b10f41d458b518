import { type Command, Option } from 'commander';
import { collect, wholeNumber } from './parse-values.ts';
import type { ReplCommandOptions } from './repl-command.ts';

const DAY_S = 86_400;

/** `rlm repl`: the sandboxed Python of runs, for people and for scripts. Needs no Temporal server. */
export function addReplCommand(program: Command): void {
  program
    .command('repl')
    .description('a sandboxed Python prompt, on a new REPL or on any stored image')
    .option(
      '-i, --input <name=path>',
      'a file, folder or glob pattern that Python finds as input_data["name"] (a path alone: as input_data); also "-", s3://, https:// and worker:/path; can be given several times',
      collect,
    )
    .option('--strict', 'fail when any document cannot be read, instead of leaving it out')
    .option(
      '--package <file.whl>',
      'a pure-Python wheel that is importable; can be given several times',
      collect,
    )
    .option(
      '--image <digest>',
      'image to start from, as this command and the audit of a run print it',
    )
    .option(
      '--cells <file>',
      'run the cells of this file, a JSON array of sources ("-": standard input)',
    )
    .option('--json', 'with --cells: print a JSON array of outcomes instead of a transcript')
    .addOption(
      new Option(
        '--answers <source>',
        'what answers llm_query: "model" asks the configured sub-model, "echo" gives back the first 200 characters of each prompt (default: echo with --cells, else the model if one is configured)',
      ).choices(['echo', 'model']),
    )
    .option(
      '--timeout-s <n>',
      'compute time of a cell; waiting never counts',
      wholeNumber(1, DAY_S),
      60,
    )
    .option('--memory-mib <n>', 'heap of the kernel', wholeNumber(64, 4096), 1024)
    .option(
      '--seed <text>',
      'makes random numbers repeatable (default: fixed with --cells, else drawn)',
    )
    .option(
      '--restore-each',
      'with --cells: run every cell in another kernel, restored from its image',
    )
    .option('--debug', 'show stack traces')
    .action(async (options: ReplCommandOptions) => {
      // Loaded when needed: other commands do without kernels.
      const { runReplCommand } = await import('./repl-command.ts');
      await runReplCommand(options);
    });
}
