/**
 * In a kernel host's place, with its flags and environment: tries what an attacker would who came out of the isolate, and
 * reports how each attempt ended.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { resolve4 } from 'node:dns/promises';
import { connect, createServer } from 'node:net';
import process from 'node:process';
import { Worker } from 'node:worker_threads';
import { writeFrame } from '../../../../repl/host/frames.ts';

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);

const event = (
  emitter: { once: (name: string, listener: (error?: unknown) => void) => unknown },
  good: string,
): Promise<string> =>
  new Promise((resolve) => {
    emitter.once(good, () => resolve('done'));
    emitter.once('error', (error) => resolve(codeOf(error)));
  });

const attempts: Record<string, () => unknown> = {
  'read a file of the machine': () => readFileSync('/etc/passwd'),
  'read the environment of its process': () => readFileSync('/proc/self/environ'),
  'list the root folder': () => readdirSync('/'),
  'write a file': () => writeFileSync('/tmp/escaped', 'x'),
  'write into its own folder': () => writeFileSync(new URL('escaped', import.meta.url), 'x'),
  'make a folder': () => mkdtempSync('/tmp/escaped-'),
  'start a child': () => {
    const { error } = spawnSync('/bin/true');
    if (error) throw error;
  },
  'start a thread': () => new Worker('0', { eval: true }),
  'connect to a port': () => event(connect(80, '127.0.0.1'), 'connect'),
  'listen on a port': () => event(createServer().listen(0), 'listening'),
  'resolve a name': () => resolve4('localhost'),
  'send a datagram': () => {
    const socket = createSocket('udp4');
    const ended = event(socket, 'listening');
    socket.bind(0);
    return ended;
  },
};

const report: Record<string, string> = {};
for (const [name, attempt] of Object.entries(attempts)) {
  try {
    const ended = await attempt();
    report[name] = typeof ended === 'string' ? ended : 'done';
  } catch (error) {
    report[name] = codeOf(error);
  }
}
report['environment'] = JSON.stringify(process.env);
await writeFrame(process.stdout, { refused: JSON.stringify(report) });
process.stdin.resume();
