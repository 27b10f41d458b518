import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** A real server that speaks S3, on this machine, with a bucket `store`. */
export interface S3Server {
  name: string;
  endpoint: string;
  /** Folder in which it keeps its objects as files; null when it has none. */
  folder: string | null;
  stop(): Promise<void>;
}

interface Program {
  name: string;
  path: string;
  args: (folder: string, port: number) => string[];
  isOnDisk: boolean;
}

const KEY = 'test-key';
const SECRET = 'test-secret-key';

/** Where it would be, told when there is none. */
export const NO_S3_SERVER =
  'skipped: no S3 server here (.ci/run installs versitygw by "go install github.com/versity/versitygw/cmd/versitygw@v1.8.0"; "pip install moto[server]" does as well)';

export function findS3Program(): Program | undefined {
  const versity = findOnPath('versitygw');
  if (versity !== undefined) {
    const args = (folder: string, port: number): string[] => {
      const settings = ['--port', `127.0.0.1:${port}`, '--access', KEY, '--secret', SECRET];
      return [...settings, '--quiet', 'posix', join(folder, 'data')];
    };
    return { name: 'versitygw', path: versity, args, isOnDisk: true };
  }
  const moto = findOnPath('moto_server');
  if (moto === undefined || !runs(moto)) return undefined;
  const args = (_: string, port: number): string[] => ['-H', '127.0.0.1', '-p', String(port)];
  return { name: 'moto', path: moto, args, isOnDisk: false };
}

/** Starts it and sets the credentials of this process. */
export async function startS3Server(program: Program): Promise<S3Server> {
  const folder = mkdtempSync(join(tmpdir(), 'rlm-s3-'));
  const bucket = join(folder, 'data', 'store');
  await mkdir(bucket, { recursive: true });
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  process.env['AWS_ACCESS_KEY_ID'] = KEY;
  process.env['AWS_SECRET_ACCESS_KEY'] = SECRET;
  const child = spawn(program.path, program.args(folder, port), { stdio: 'ignore' });
  const ended = once(child, 'exit');
  for (let tries = 0; !(await answers(endpoint)); tries += 1) {
    if (tries > 200 || child.exitCode !== null) throw new Error(`${program.name} does not start`);
    await new Promise((done) => setTimeout(done, 100));
  }
  if (!program.isOnDisk) await fetch(`${endpoint}/store`, { method: 'PUT' });
  return {
    name: program.name,
    endpoint,
    folder: program.isOnDisk ? bucket : null,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function findOnPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  for (const folder of [...folders, join(homedir(), 'go', 'bin')]) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not in this one.
    }
  }
  return undefined;
}

/** A shim may stand on the path without what it starts. */
function runs(program: string): boolean {
  try {
    execFileSync(program, ['--help'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function answers(endpoint: string): Promise<boolean> {
  return fetch(endpoint, { signal: AbortSignal.timeout(5000) }).then(
    () => true,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
