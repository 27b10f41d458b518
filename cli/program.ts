import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addCancelCommand } from './cancel.ts';
import { describeError, exitCodeOf } from './report-error.ts';
import { addGarbageCommands } from './gc.ts';
import { addProgressCommand } from './progress.ts';
import { addRepairCommand } from './repair.ts';
import { addReplCommand } from './repl.ts';
import { addResultCommand } from './result.ts';
import { addRunCommand } from './run.ts';
import { addScheduleCommand } from './schedule.ts';
import { addSteeringCommands } from './steering-commands.ts';
import { addViewCommands } from './views.ts';
import { addUiCommand } from './ui.ts';
import { addWorkerCommand } from './worker.ts';

/** The `rlm` command with all its subcommands. */
export function createProgram(): Command {
  const program = new Command('rlm')
    .description('Answers questions over inputs of any size, as durable runs on Temporal.')
    .version(version())
    .showHelpAfterError('(rlm --help lists the commands, rlm COMMAND --help their options)')
    .configureOutput({
      outputError: (text, write) =>
        write(text.replace(/^error: (.)/, (_, first: string) => `rlm: ${first.toUpperCase()}`)),
    })
    .exitOverride();
  addRunCommand(program);
  addResultCommand(program);
  addProgressCommand(program);
  addCancelCommand(program);
  addSteeringCommands(program);
  addViewCommands(program);
  addScheduleCommand(program);
  addGarbageCommands(program);
  addRepairCommand(program);
  addReplCommand(program);
  addUiCommand(program);
  addWorkerCommand(program);
  inheritSettings(program);
  return program;
}

/** Runs one command line (without the names of node and script). Never throws; resolves with the exit code. */
export async function runProgram(args: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync([...args], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    const code = exitCodeOf(error);
    // commander has printed its own errors and the help by now.
    if (!isCommanders(error)) {
      process.stderr.write(`${describeError(error, args.includes('--debug'))}\n`);
    }
    return code;
  }
}

function isCommanders(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
}

/** commander copies these to a subcommand only when it is made with `.command()` after they were set on its parent. */
function inheritSettings(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inheritSettings(child);
  }
}

function version(): string {
  // One level up from the source, two from the built file.
  for (const up of ['../package.json', '../../package.json']) {
    try {
      const found: unknown = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8'));
      if (typeof found === 'object' && found !== null && 'version' in found) {
        return String(found.version);
      }
    } catch {
      // Not there: the other layout.
    }
  }
  return 'unknown';
}
