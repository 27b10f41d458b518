import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { CliError } from './cli-error.ts';

/** A worker in a process of its own, started by this one. */
export interface WorkerProcess {
  readonly pid: number;
  /** Process ids of its kernel hosts when it became ready. */
  readonly kernelHosts: readonly number[];
  /** Resolves when the process has ended, however it did. */
  readonly ended: Promise<void>;
  /** SIGKILL for the worker and its kernel hosts, as a crash of the machine would do. Resolves when the worker is gone. */
  kill(): Promise<void>;
  /** Asks it to finish what it has in hand; kills it when that takes over `graceMs` (default 10 s). */
  stop(graceMs?: number): Promise<void>;
}

export interface WorkerProcessOptions {
  env: NodeJS.ProcessEnv;
  /** Extra arguments of `rlm worker`. */
  args?: string[];
  /** Lines of its log. */
  onLog?: (line: string) => void;
  /** Default 60 s: the first start on a machine may have to build the base image. */
  readyMs?: number;
}

/** Lines of the log kept for the message about a worker that never became ready. */
const KEPT_LOG_LINES = 20;

/**
 * Starts `rlm worker` and resolves when it polls. It ends with this process, also when this one is killed,
 * because it watches the channel between the two. Throws CliError with the worker's own last words.
 */
export async function startWorkerProcess(options: WorkerProcessOptions): Promise<WorkerProcess> {
  const child = spawn(
    process.execPath,
    [...process.execArgv, mainFile(), 'worker', '--json', ...(options.args ?? [])],
    {
      env: { ...options.env },
      // The fourth channel carries nothing: its end tells the worker that its parent is gone.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Ctrl-C in a terminal goes to this process alone, which may need the worker to end a run properly.
      detached: true,
    },
  );
  const log: string[] = [];
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('A worker was started without pipes.');
  createInterface({ input: stderr }).on('line', (line) => {
    log.push(line);
    if (log.length > KEPT_LOG_LINES) log.shift();
    options.onLog?.(line);
  });
  // Not 'close': its output may stay open a little longer in a child of its own.
  const ended = once(child, 'exit').then(() => undefined);
  const ready = await readiness(child, stdout, options.readyMs ?? 60_000, log);
  return {
    pid: ready.pid,
    kernelHosts: ready.kernelHosts,
    ended,
    kill: async () => {
      for (const pid of [ready.pid, ...ready.kernelHosts]) killIfAlive(pid);
      await ended;
    },
    stop: async (graceMs = 10_000) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(late);
    },
  };
}

const Ready = z.object({
  ready: z.literal(true),
  pid: z.int().positive(),
  kernelHosts: z.array(z.int().positive()),
});
type Ready = z.infer<typeof Ready>;

async function readiness(
  child: ChildProcess,
  stdout: NodeJS.ReadableStream,
  readyMs: number,
  log: readonly string[],
): Promise<Ready> {
  const { promise, resolve, reject } = Promise.withResolvers<Ready>();
  const late = setTimeout(() => {
    child.kill('SIGKILL');
    reject(new CliError(`The worker was not ready within ${readyMs / 1000} s.${lastWords(log)}`));
  }, readyMs);
  createInterface({ input: stdout }).on('line', (line) => {
    const ready = parseReady(line);
    if (ready !== null) resolve(ready);
  });
  child.once('error', (error) => reject(error));
  // 'close' rather than 'exit': by then its last words are in the log.
  child.once('close', (code, signal) => {
    const end = signal === null ? `exit code ${code}` : signal;
    reject(new CliError(`The worker did not start (${end}).${lastWords(log)}`));
  });
  try {
    return await promise;
  } finally {
    clearTimeout(late);
  }
}

/** The line that `rlm worker --json` prints when it polls; null for every other line. */
export function parseReady(line: string): Ready | null {
  try {
    return Ready.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

function lastWords(log: readonly string[]): string {
  const line = log.findLast((words) => words.startsWith('rlm: ')) ?? log.at(-1);
  return line === undefined ? '' : ` It said: ${line.replace(/^rlm: /, '')}`;
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already: a kernel host ends by itself when its worker dies.
  }
}

function mainFile(): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`./main.${extension}`, import.meta.url));
}
