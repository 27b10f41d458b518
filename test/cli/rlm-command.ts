import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ENTRY = fileURLToPath(new URL('../../bin/rlm.mjs', import.meta.url));

const DRIVER = fileURLToPath(new URL('in_terminal.py', import.meta.url));

export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunningCommand {
  kill(signal: NodeJS.Signals): void;
  /** What it has printed so far, on both streams. */
  said(): string;
  /** The first group of a pattern, as soon as something that it said holds it. Rejects when the command ends before. */
  line(pattern: RegExp): Promise<string>;
  readonly result: Promise<CommandResult>;
}

export interface Workplace {
  /** Working directory of the commands, with the file `notes.txt`. */
  dir: string;
  /** Runs `rlm` as a person does; the environment names no server, model or key unless given. */
  rlm(
    args: readonly string[],
    env?: NodeJS.ProcessEnv,
    nodeArgs?: string[],
  ): Promise<CommandResult>;
  start(args: readonly string[], env?: NodeJS.ProcessEnv, nodeArgs?: string[]): RunningCommand;
  /** Runs `rlm` in a terminal: types each step's keys when its text has been shown. Needs python3; `code` is 124 when a text did not come. */
  terminal(
    args: readonly string[],
    steps: ReadonlyArray<readonly [shown: string, keys: string]>,
  ): Promise<{ code: number | null; shown: string }>;
  /** Files and folders below `.rlm`. */
  traces(): Promise<string[]>;
  remove(): Promise<void>;
}

export async function openWorkplace(): Promise<Workplace> {
  const dir = await mkdtemp(join(tmpdir(), 'rlm-cli-'));
  await writeFile(join(dir, 'notes.txt'), 'The lift was repaired on Tuesday.\n');
  const start: Workplace['start'] = (args, env = {}, nodeArgs = []) =>
    startCommand(dir, [...nodeArgs, ENTRY, ...args], env);
  return {
    dir,
    start,
    rlm: (...command) => start(...command).result,
    async terminal(args, steps) {
      const command = [JSON.stringify(steps), process.execPath, ENTRY, ...args];
      const env = { TERM: 'xterm', COLUMNS: '120' };
      const driver = startProgram('python3', dir, [DRIVER, ...command], env);
      const { code, stdout, stderr } = await driver.result;
      if (stdout === '') throw new Error(stderr);
      return { code, shown: String(JSON.parse(stdout)) };
    },
    traces: () => readdir(join(dir, '.rlm'), { recursive: true }).catch(() => []),
    remove: () => rm(dir, { recursive: true }),
  };
}

function startCommand(cwd: string, args: string[], env: NodeJS.ProcessEnv): RunningCommand {
  return startProgram(process.execPath, cwd, args, env);
}

function startProgram(
  program: string,
  cwd: string,
  args: string[],
  env: NodeJS.ProcessEnv,
): RunningCommand {
  const child = spawn(program, args, {
    cwd,
    env: { ...withoutSettings(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  return {
    kill: (signal) => child.kill(signal),
    said: () => `${said.stdout}\n${said.stderr}`,
    line: (pattern) =>
      new Promise((done, fail) => {
        const look = (): void => {
          const found = pattern.exec(`${said.stdout}\n${said.stderr}`)?.[1];
          if (found !== undefined) done(found);
        };
        child.stdout.on('data', look);
        child.stderr.on('data', look);
        child.once('close', () => fail(new Error(`It ended without that line: ${said.stderr}`)));
        look();
      }),
    result: new Promise((done) => {
      child.once('close', (code) => done({ code, ...said }));
    }),
  };
}

function withoutSettings(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(OPENAI|RLM|TEMPORAL|NODE_OPTIONS)/.test(name),
    ),
  );
}
