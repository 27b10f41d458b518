import { spawn } from 'node:child_process';

/** How a program ended. `failure` is null when it exited with 0, else a phrase that says why not. */
export interface ProgramResult {
  stdout: string;
  failure: string | null;
}

/** Of what a program prints, this much is kept. */
const MAX_OUTPUT_CHARS = 100_000;

/** Runs a program to its end and never throws. It is killed after `timeoutMs`. */
export async function runProgram(
  command: string,
  options: readonly string[],
  settings: { env?: NodeJS.ProcessEnv; timeoutMs: number },
): Promise<ProgramResult> {
  return await new Promise((resolve) => {
    const child = spawn(command, options, {
      env: settings.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, settings.timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(-MAX_OUTPUT_CHARS);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-MAX_OUTPUT_CHARS);
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve({ stdout, failure: isMissing(error) ? 'not found' : error.message });
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve({ stdout, failure: null });
      else if (late) resolve({ stdout, failure: `no end after ${settings.timeoutMs / 1000} s` });
      else resolve({ stdout, failure: lastLine(stderr) ?? `ended with ${code ?? signal}` });
    });
  });
}

function isMissing(error: Error): boolean {
  return 'code' in error && error.code === 'ENOENT';
}

function lastLine(text: string): string | undefined {
  return text
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => line !== '')
    ?.slice(0, 300);
}
