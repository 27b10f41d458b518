/**
 * The process of the embedded server. It is started by a shell that holds a pipe from this process and stops the
 * server when the pipe closes: so the server ends with the process that started it, also when that is killed. The
 * server has a process group of its own, so that Ctrl-C in a terminal reaches the command and not the server.
 */
import { spawn } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { types } from 'node:util';
import { runProgram } from './run-program.ts';

/** Prints the server's process id, then waits; the watcher's `cat` ends when the pipe on its descriptor 3 does. */
const GUARD = `
"$@" </dev/null >&5 2>&5 3<&- 5>&- &
server=$!
echo "$server"
{
  cat <&3
  kill -TERM "$server"
  sleep 10
  kill -KILL "$server"
} >/dev/null 2>&1 5>&- &
watcher=$!
wait "$server"
code=$?
kill "$watcher" 2>/dev/null
exit "$code"
`;

/** Number of the descriptor that the watcher reads. */
const PIPE = 3;

export interface ServerProcess {
  readonly pid: number;
  /** Resolves when the server has ended; does not keep this process alive. */
  readonly ended: Promise<void>;
  /** Asks the server to end, and after `patienceMs` kills it. Resolves when it is gone. */
  end(patienceMs: number): Promise<void>;
}

/** Starts a program under guard, its output in a file of its own. Throws when it cannot be started. */
export async function startGuarded(
  command: string,
  options: readonly string[],
  outputFile: string,
): Promise<ServerProcess> {
  const output = openSync(outputFile, 'w');
  try {
    const shell = spawn('/bin/sh', ['-c', GUARD, 'rlm-server', command, ...options], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore', 'pipe', 'ignore', output],
    });
    const pipe = shell.stdio[PIPE];
    const ended = new Promise<void>((resolve) => {
      const settle = (): void => {
        // The watcher's cat still reads it.
        if (pipe instanceof Duplex) pipe.destroy();
        resolve();
      };
      shell.once('exit', settle);
      shell.once('error', settle);
    });
    const pid = await firstNumber(shell.stdout);
    if (pid === null) throw new Error(`${command} did not start`);
    // A process that has nothing else to do may end, and the server with it.
    shell.unref();
    for (const stream of [shell.stdout, pipe]) if (stream instanceof Socket) stream.unref();
    const end = async (patienceMs: number): Promise<void> => {
      shell.ref();
      await endProcess(pid, patienceMs);
      await ended;
    };
    return { pid, ended, end };
  } finally {
    closeSync(output);
  }
}

/** Ends a process: asks, and after `patienceMs` kills. Resolves when it is gone. */
export async function endProcess(pid: number, patienceMs: number): Promise<void> {
  const deadline = Date.now() + patienceMs;
  signal(pid, 'SIGTERM');
  while (isAlive(pid)) {
    if (Date.now() > deadline) signal(pid, 'SIGKILL');
    await setTimeout(20);
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It exists but belongs to somebody else.
    return types.isNativeError(error) && 'code' in error && error.code === 'EPERM';
  }
}

/** The command line of a process; '' when there is none. Tells a process from another that got its id later. */
export async function commandLineOf(pid: number): Promise<string> {
  const file = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
  if (file !== null) return file.replaceAll('\0', ' ').trim();
  const { stdout } = await runProgram('ps', ['-o', 'command=', '-p', String(pid)], {
    timeoutMs: 5000,
  });
  return stdout.trim();
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

async function firstNumber(stream: NodeJS.ReadableStream | null): Promise<number | null> {
  if (stream === null) return null;
  return await new Promise((resolve) => {
    let text = '';
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('\n')) resolve(Number(text.trim()));
    });
    stream.once('end', () => resolve(null));
    stream.once('error', () => resolve(null));
  });
}
