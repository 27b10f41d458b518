import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const ENTRY = fileURLToPath(new URL('../../bin/rlm.mjs', import.meta.url));

export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
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
  /** Files and folders below `.rlm`. */
  traces(): Promise<string[]>;
  remove(): Promise<void>;
}

export async function openWorkplace(): Promise<Workplace> {
  const dir = await mkdtemp(join(tmpdir(), 'rlm-cli-'));
  await writeFile(join(dir, 'notes.txt'), 'The lift was repaired on Tuesday.\n');
  return {
    dir,
    rlm: async (args, env = {}, nodeArgs = []) => {
      const child = spawn(process.execPath, [...nodeArgs, ENTRY, ...args], {
        cwd: dir,
        env: { ...withoutSettings(), ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const closed = new Promise<number | null>((done) => child.once('close', done));
      const [stdout, stderr, code] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        closed,
      ]);
      return { code, stdout, stderr };
    },
    traces: () => readdir(join(dir, '.rlm'), { recursive: true }).catch(() => []),
    remove: () => rm(dir, { recursive: true }),
  };
}

function withoutSettings(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(OPENAI|RLM|TEMPORAL|NODE_OPTIONS)/.test(name),
    ),
  );
}
