import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ScriptedModel } from '../../examples/support/scripted-model.ts';
import { startStandIn } from '../../examples/support/stand-in-server.ts';
import { post, QUESTION, SYSTEM } from './stand-in-chat.ts';

let server: ScriptedModel;
beforeEach(async () => {
  server = await startStandIn({ latencyMs: 0 });
});
afterEach(() => server.close());

describe('the stand-in as a process of its own', () => {
  let child: ChildProcess | undefined;
  afterEach(() => {
    child?.kill('SIGKILL');
  });

  function start(...args: string[]): ChildProcess {
    const file = fileURLToPath(
      new URL('../../examples/support/stand-in-server.ts', import.meta.url),
    );
    child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    return child;
  }

  test('prints its base URL first, answers there, and ends with code 0 on SIGTERM', async () => {
    const process = start('--latency-ms', '0');
    if (!process.stdout) throw new Error('no stdout');
    const lines = createInterface(process.stdout)[Symbol.asyncIterator]();
    const baseUrl: unknown = (await lines.next()).value;
    expect(baseUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
    expect((await lines.next()).value).toBe(
      'Stand-in model server: scripted replies, no intelligence.',
    );
    const response = await post('stand-in-root', [SYSTEM, QUESTION], {}, String(baseUrl));
    expect(response.status).toBe(200);
    const ended = once(process, 'exit');
    process.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  test.each([
    [['--port', 'taken'], '--port must be a whole number, not "taken"\n'],
    [['--prot', '1'], /^Unknown option '--prot'/],
  ])('%j: one clear line, exit code 1', async (args, message) => {
    const process = start(...args);
    const said: Buffer[] = [];
    process.stderr?.on('data', (part: Buffer) => said.push(part));
    expect(await once(process, 'close')).toEqual([1, null]);
    const text = Buffer.concat(said).toString('utf8');
    if (typeof message === 'string') expect(text).toBe(message);
    else expect(text).toMatch(message);
  });

  test('a port in use is told', async () => {
    const process = start('--port', String(server.port));
    const said: Buffer[] = [];
    process.stderr?.on('data', (part: Buffer) => said.push(part));
    expect(await once(process, 'close')).toEqual([1, null]);
    expect(Buffer.concat(said).toString('utf8')).toBe(
      `listen EADDRINUSE: address already in use 127.0.0.1:${server.port}\n`,
    );
  });
});
