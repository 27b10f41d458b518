import { access, constants, mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { types } from 'node:util';
import { loadWorkerConfig } from './config.ts';
import { readServerFile, writeServerFile } from './server-file.ts';
import { serverOptions } from './server-options.ts';
import { freePort, isPortFree, SERVER_HOST } from './server-ports.ts';
import { commandLineOf, endProcess, isAlive, startGuarded } from './server-process.ts';
import { isServing, keepHistories } from './server-ready.ts';
import { withLock } from './start-lock.ts';
import { findTemporalCli } from './temporal-cli.ts';

/** The embedded server cannot be used; the message is one sentence that says what to do. */
export class EmbeddedServerFailed extends Error {
  override readonly name = 'EmbeddedServerFailed';
}

export interface EmbeddedServerOptions {
  /** SQLite database; made when missing. One server runs on it, whoever asks. Without it, or with `inMemory`, nothing is kept. */
  dbFile?: string;
  inMemory?: boolean;
  /** Default: those used last on this database when free, else any free port. */
  port?: number;
  uiPort?: number;
  /** Settings of the server besides those that this project needs; see Temporal's dynamic configuration. */
  dynamicConfig?: Readonly<Record<string, string | number>>;
  log?: (line: string) => void;
  env?: NodeJS.ProcessEnv;
}

export interface EmbeddedServer {
  /** For clients: `127.0.0.1:7233`. */
  readonly address: string;
  readonly uiUrl: string | null;
  readonly pid: number;
  /** True when it ran already on this database: then it belongs to another process. */
  readonly reused: boolean;
  /** Stops the server and resolves when it has gone; leaves a reused one alone. Safe to call twice. */
  stop(): Promise<void>;
}

type Log = (line: string) => void;

/** The first start on a database makes its tables. */
const READY_TIMEOUT_MS = 60_000;
/** For a server that is already up, or should be. */
const ANSWER_TIMEOUT_MS = 5_000;
const STOP_PATIENCE_MS = 10_000;
const HUNG_PATIENCE_MS = 1_000;
const LOCK_TIMEOUT_MS = READY_TIMEOUT_MS + STOP_PATIENCE_MS;
const START_ATTEMPTS = 3;
/** Another program may take a port between the look and the start; and the server itself crashes at its start at times. */
const START_ACCIDENT = /address already in use|^(?:panic|fatal error):/m;

/**
 * Starts a Temporal server on a database (or in memory) and resolves when it serves. A server that already runs there
 * is used instead; one that does not answer is replaced. The server ends with this process, also when that is killed.
 * Throws EmbeddedServerFailed and TemporalCliMissing.
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const log = options.log ?? ((): void => {});
  if (options.dbFile === undefined || options.inMemory === true) {
    const outputFile = join(tmpdir(), `rlm-temporal-${process.pid}.log`);
    return await startServer(options, null, outputFile, log);
  }
  const dbFile = resolve(options.dbFile);
  await checkWritable(dbFile);
  const lockFile = `${dbFile}.lock`;
  return await withLock(lockFile, LOCK_TIMEOUT_MS, async () => {
    const running = await findRunning(dbFile, options, log);
    if (running !== null) return running;
    const server = await startServer(options, dbFile, `${dbFile}.log`, log);
    // Under the lock, so that nobody takes a server that is about to end for one that runs.
    let stopping: Promise<void> | undefined;
    const stop = (): Promise<void> =>
      (stopping ??= withLock(lockFile, LOCK_TIMEOUT_MS, () => server.stop()).catch(() =>
        // The folder was deleted, for instance: the server must end all the same.
        server.stop(),
      ));
    return { ...server, stop };
  });
}

/** The server that runs on a database and answers. One that runs and does not is ended. */
async function findRunning(
  dbFile: string,
  options: EmbeddedServerOptions,
  log: Log,
): Promise<EmbeddedServer | null> {
  const last = await readServerFile(dbFile);
  if (last === null || !isAlive(last.pid)) return null;
  // Process ids are given again: a stranger has another command line.
  if (!(await commandLineOf(last.pid)).includes(dbFile)) return null;
  const { pid, port, uiPort, owner } = last;
  const address = `${SERVER_HOST}:${port}`;
  const isOwned = isAlive(owner.pid) && (await commandLineOf(owner.pid)) === owner.command;
  if (!isOwned || !(await isServing(address, ANSWER_TIMEOUT_MS))) {
    const why = isOwned ? 'does not answer' : 'was left by a process that died';
    log(`The Temporal server on ${dbFile} (process ${pid}) ${why}: starting another.`);
    await endProcess(pid, isOwned ? HUNG_PATIENCE_MS : STOP_PATIENCE_MS);
    return null;
  }
  checkSamePort('port', options.port, port, pid);
  checkSamePort('UI port', options.uiPort, uiPort, pid);
  log(`Using the Temporal server that runs on ${dbFile} already (process ${pid}, ${address}).`);
  const uiUrl = `http://${SERVER_HOST}:${uiPort}`;
  return { address, uiUrl, pid, reused: true, stop: async () => {} };
}

async function startServer(
  options: EmbeddedServerOptions,
  dbFile: string | null,
  outputFile: string,
  log: Log,
): Promise<EmbeddedServer> {
  const env = options.env ?? process.env;
  const cli = await findTemporalCli({ cacheDir: loadWorkerConfig(env).cacheDir, env, log });
  for (let attempt = 1; ; attempt += 1) {
    const last = dbFile === null || attempt > 1 ? null : await readServerFile(dbFile);
    const port = await choosePort('port', options.port, last?.port);
    const uiPort = await choosePort('UI port', options.uiPort, last?.uiPort);
    const settings = serverOptions({
      dbFile,
      port,
      uiPort,
      dynamicConfig: options.dynamicConfig,
    });
    const server = await startGuarded(cli.path, settings, outputFile);
    const { pid } = server;
    const owner = { pid: process.pid, command: await commandLineOf(process.pid) };
    // Before it serves: should this process die now, the next one finds what still uses the database.
    if (dbFile !== null) await writeServerFile(dbFile, { pid, port, uiPort, owner });
    const address = `${SERVER_HOST}:${port}`;
    const problem = await Promise.race([
      isServing(address, READY_TIMEOUT_MS, server.ended).then((ready) =>
        ready ? null : 'did not answer',
      ),
      server.ended.then(() => 'ended'),
    ]);
    const stop = (): Promise<void> => server.end(STOP_PATIENCE_MS);
    if (problem !== null) {
      await stop();
      const output = await readFile(outputFile, 'utf8').catch(() => '');
      if (START_ACCIDENT.test(output) && attempt < START_ATTEMPTS) continue;
      throw new EmbeddedServerFailed(
        `The Temporal server ${problem} at its start: ${lastErrorIn(output)} (all of its output: ${outputFile}).`,
      );
    }
    await keepHistories(address);
    if (dbFile === null) await rm(outputFile, { force: true });
    log(`Temporal server started on ${address} (process ${pid}, CLI ${cli.version}).`);
    return { address, uiUrl: `http://${SERVER_HOST}:${uiPort}`, pid, reused: false, stop };
  }
}

/** The port asked for, which must be free; else the last one if it is; else any. */
async function choosePort(what: string, asked?: number, last?: number): Promise<number> {
  if (asked !== undefined) {
    if (await isPortFree(asked)) return asked;
    throw new EmbeddedServerFailed(
      `The ${what} ${asked} is in use: choose another, or stop the program that uses it.`,
    );
  }
  return last !== undefined && (await isPortFree(last)) ? last : await freePort();
}

function checkSamePort(what: string, asked: number | undefined, actual: number, pid: number): void {
  if (asked === undefined || asked === actual) return;
  throw new EmbeddedServerFailed(
    `A Temporal server runs on this database with ${what} ${actual}, not ${asked}: use that, or stop process ${pid} first.`,
  );
}

async function checkWritable(dbFile: string): Promise<void> {
  const folder = dirname(dbFile);
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    const missing = await access(dbFile).then(
      () => false,
      () => true,
    );
    if (!missing) await access(dbFile, constants.W_OK);
  } catch (error) {
    const code = types.isNativeError(error) && 'code' in error ? error.code : error;
    throw new EmbeddedServerFailed(
      `The database ${dbFile} cannot be written (${String(code)}): choose another folder with RLM_HOME, or give this user access.`,
      { cause: error },
    );
  }
}

/** A crash says why before its stack, anything else at its end. */
function lastErrorIn(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const crash = lines.find((line) => /^(?:panic|fatal error):/.test(line));
  return (crash ?? lines.at(-1) ?? 'it said nothing').replace(/^Error: /, '').slice(0, 400);
}
