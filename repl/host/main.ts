/**
 * The kernel host: a child process with an empty environment and no permission but to read its own files. Frames come in
 * on stdin and go out on stdout; it ends when stdin does.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { errorText } from '../error-text.ts';
import { readAssets } from './assets.ts';
import { BaseDescription, DESCRIPTION_FILE, SNAPSHOT_FILE } from './base-description.ts';
import { FrameMemory } from './frame-memory.ts';
import { chunksOf, type Frame, readFrames, writeFrame } from './frames.ts';
import { HostRequest } from './host-protocol.ts';
import { KernelFactory } from './kernel-factory.ts';
import { KernelFault } from './kernel-fault.ts';
import { KernelHost } from './kernel-host.ts';
import { z } from 'zod';

const STDIN = 0;

/** Argument of the process, as JSON. No folder: the host can only build. */
const HostOptions = z.object({
  baseFolder: z.string().nullable(),
  parkedMiB: z.number(),
  warmKernels: z.int().nonnegative(),
});
const Envelope = z.object({ id: z.int(), request: HostRequest });

let writing: Promise<void> = Promise.resolve();

function send(message: unknown, attachments: Buffer[] = []): void {
  writing = writing.then(() => writeFrame(process.stdout, message, attachments));
  // A worker that is gone reads no more: there is nothing left to do.
  writing.catch(() => process.exit(0));
}

async function openHost(): Promise<KernelHost | null> {
  const options = HostOptions.parse(JSON.parse(process.argv[2] ?? ''));
  const { baseFolder } = options;
  if (baseFolder === null) {
    send({ ready: null, pid: process.pid });
    return null;
  }
  const description = BaseDescription.parse(
    JSON.parse(readFileSync(join(baseFolder, DESCRIPTION_FILE), 'utf8')),
  );
  const snapshot = readFileSync(join(baseFolder, SNAPSHOT_FILE));
  const factory = await KernelFactory.open(
    readAssets(),
    snapshot,
    description,
    options.warmKernels,
  );
  send({ ready: description, pid: process.pid });
  return new KernelHost(factory, options.parkedMiB);
}

async function answer(host: KernelHost | null, { message, attachments }: Frame): Promise<void> {
  const { id, request } = Envelope.parse(message);
  try {
    if (request.op === 'build') {
      const { snapshot, description } = await KernelFactory.build(readAssets());
      send({ id, ok: true, result: description }, [snapshot]);
      return;
    }
    if (host === null) throw new Error('this host can only build');
    const answered = await host.answer(request, attachments);
    send({ id, ok: true, result: answered.result }, answered.attachments);
  } catch (error) {
    const fault = error instanceof KernelFault ? error.kind : 'bug';
    send({ id, ok: false, fault, message: errorText(error).slice(0, 1000) });
  }
}

try {
  const host = await openHost();
  const memory = new FrameMemory();
  for await (const frame of readFrames(chunksOf(STDIN), (bytes) => memory.take(bytes))) {
    // What is kept of an attachment is a copy.
    void answer(host, frame).finally(() => memory.giveBack(frame.memory));
  }
} catch (error) {
  send({ refused: errorText(error).slice(0, 1000) });
  await writing;
}
// Not process.exit(): it segfaults while isolates live.
process.kill(process.pid, 'SIGKILL');
