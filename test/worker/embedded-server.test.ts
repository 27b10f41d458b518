import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { z } from 'zod';
import { SEARCH_ATTRIBUTES } from '../../protocol/index.ts';
import {
  type EmbeddedServer,
  EmbeddedServerFailed,
  type EmbeddedServerOptions,
  startEmbeddedServer,
} from '../../worker/embedded-server.ts';
import { isAlive } from '../../worker/server-process.ts';
import { scratchDirectories } from '../store/scratch-directory.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

// Called after the clean-up above, so that servers end before their folders go.
const scratch = scratchDirectories();

async function start(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const server = await startEmbeddedServer(options);
  cleanups.push(() => server.stop());
  return server;
}

async function connect(address: string): Promise<Client> {
  const connection = await Connection.connect({ address });
  cleanups.push(() => connection.close());
  return new Client({ connection });
}

const Started = z.object({ address: z.string(), pid: z.int(), reused: z.boolean() });

/** Another process that starts a server on the database. */
async function owner(
  dbFile: string,
): Promise<{ child: ChildProcess; server: z.infer<typeof Started> }> {
  const script = join(import.meta.dirname, 'server-owner.ts');
  const child = spawn(process.execPath, ['--no-warnings', script, dbFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanups.push(async () => child.kill('SIGKILL'));
  const lines: AsyncIterable<string> = createInterface({ input: child.stdout });
  for await (const line of lines) return { child, server: Started.parse(JSON.parse(line)) };
  throw new Error('the owner ended');
}

describe('an embedded server', () => {
  test('has the search attributes of runs, keeps histories for 90 days, and its data across restarts', async () => {
    const dbFile = join(await scratch(), 'new', 'temporal.db');
    const first = await start({ dbFile });
    const client = await connect(first.address);
    const attributes = await client.connection.operatorService.listSearchAttributes({
      namespace: 'default',
    });
    expect(Object.keys(attributes.customAttributes ?? {})).toEqual(
      expect.arrayContaining(Object.keys(SEARCH_ATTRIBUTES)),
    );
    const namespace = await client.workflowService.describeNamespace({ namespace: 'default' });
    const retention = namespace.config?.workflowExecutionRetentionTtl?.seconds;
    expect(Number(retention)).toBe(90 * 24 * 3600);
    await client.workflow.start('anything', { workflowId: 'kept', taskQueue: 'nobody' });
    await first.stop();
    expect(isAlive(first.pid)).toBe(false);

    const second = await start({ dbFile });
    // The Web UI's address stays, so that a link to a run does.
    expect({ ...second, pid: 0, stop: null }).toEqual({ ...first, pid: 0, stop: null });
    const later = await connect(second.address);
    expect((await later.workflow.getHandle('kept').describe()).status.name).toBe('RUNNING');
  });

  test('in memory serves the Web UI and is gone after a second stop too', async () => {
    const server = await start({ inMemory: true });
    const page = await fetch(server.uiUrl ?? '');
    expect(page.status).toBe(200);
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
  });

  test('that runs already is used, and left running by who did not start it', async () => {
    const dbFile = join(await scratch(), 'temporal.db');
    const first = await start({ dbFile });
    const lines: string[] = [];
    const second = await start({ dbFile, log: (line) => lines.push(line) });
    expect({ ...second, stop: null }).toEqual({ ...first, reused: true, stop: null });
    expect(lines).toEqual([
      `Using the Temporal server that runs on ${dbFile} already (process ${first.pid}, ${first.address}).`,
    ]);
    await second.stop();
    expect(isAlive(first.pid)).toBe(true);
  });

  test('is one, however many processes start it at the same time', async () => {
    const dbFile = join(await scratch(), 'temporal.db');
    const started = await Promise.all([owner(dbFile), owner(dbFile), owner(dbFile)]);
    expect(new Set(started.map(({ server }) => server.pid)).size).toBe(1);
    expect(started.filter(({ server }) => !server.reused)).toHaveLength(1);
  });

  test('ends with the process that started it, and the next start goes on with its data', async () => {
    const dbFile = join(await scratch(), 'temporal.db');
    const { child, server } = await owner(dbFile);
    const client = await connect(server.address);
    await client.workflow.start('anything', { workflowId: 'kept', taskQueue: 'nobody' });
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    const next = await start({ dbFile });
    expect(next.reused).toBe(false);
    expect(isAlive(server.pid)).toBe(false);
    const later = await connect(next.address);
    expect((await later.workflow.getHandle('kept').describe()).status.name).toBe('RUNNING');
  });

  test('that hangs is replaced', async () => {
    const dbFile = join(await scratch(), 'temporal.db');
    const hung = await start({ dbFile });
    process.kill(hung.pid, 'SIGSTOP');
    const lines: string[] = [];
    const next = await start({ dbFile, log: (line) => lines.push(line) });
    expect(next.reused).toBe(false);
    expect(lines[0]).toBe(
      `The Temporal server on ${dbFile} (process ${hung.pid}) does not answer: starting another.`,
    );
    expect(isAlive(hung.pid)).toBe(false);
  });
});

async function refusal(options: EmbeddedServerOptions): Promise<string> {
  const failure: unknown = await start(options).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(EmbeddedServerFailed);
  return failure instanceof Error ? failure.message : '';
}

describe('an embedded server that cannot start says why in one sentence', () => {
  test('a port in use', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const expected = `${port} is in use: choose another, or stop the program that uses it.`;
    expect(await refusal({ inMemory: true, port })).toBe(`The port ${expected}`);
    expect(await refusal({ inMemory: true, uiPort: port })).toBe(`The UI port ${expected}`);
    other.close();
  });

  test('a database where none can be', async () => {
    const root = await scratch();
    await writeFile(join(root, 'file'), '');
    const dbFile = join(root, 'file', 'temporal.db');
    expect(await refusal({ dbFile })).toBe(
      `The database ${dbFile} cannot be written (EEXIST): choose another folder with RLM_HOME, or give this user access.`,
    );
  });

  test('a database that is none', async () => {
    const dbFile = join(await scratch(), 'temporal.db');
    await writeFile(dbFile, 'this is no database '.repeat(1000));
    const message = await refusal({ dbFile });
    expect(message).toMatch(/^The Temporal server ended at its start: .*not a database/);
    expect(message.endsWith(`(all of its output: ${dbFile}.log).`)).toBe(true);
  });

  test('another port than that of the server that runs', async () => {
    const dbFile = join(await scratch(), 'temporal.db');
    const { address, pid } = await start({ dbFile });
    const port = Number(address.split(':')[1]);
    expect(await refusal({ dbFile, port: port + 1 })).toBe(
      `A Temporal server runs on this database with port ${port}, not ${port + 1}: use that, or stop process ${pid} first.`,
    );
  });
});
