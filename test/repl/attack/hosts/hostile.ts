/** In a kernel host's place: says that it is ready, and answers the first request in the way that its first request names. */
import process from 'node:process';
import { readFrames, writeFrame } from '../../../../repl/host/frames.ts';

const u32 = (...numbers: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, i) => bytes.writeUInt32LE(number, 4 * i));
  return bytes;
};
const send = (message: unknown, attachments: Buffer[] = []): Promise<void> =>
  writeFrame(process.stdout, message, attachments);

/** By the key of a `take` request. */
const WAYS: Record<string, (id: number) => Promise<unknown> | void> = {
  garbage: () => void process.stdout.write('no frame at all, whatever it may look like'),
  'no JSON': () => void process.stdout.write(Buffer.concat([u32(3, 0), Buffer.from('}{!')])),
  'huge JSON': () => void process.stdout.write(u32(2 ** 31, 0)),
  'many attachments': () => void process.stdout.write(u32(2, 2 ** 31)),
  'huge attachment': () => void process.stdout.write(u32(2, 1, 2 ** 32 - 1)),
  'another shape': (id) => send({ id, fine: true }),
  'wrong result': (id) => send({ id, ok: true, result: { kernel: 'one', computeMs: 0 } }),
  'unknown request': async (id) => {
    await send({ id: 987_654, ok: true, result: { kernel: 666, computeMs: 0 } });
    await send({ id, ok: true, result: { kernel: 1, computeMs: 0 } });
  },
  'answers twice': async (id) => {
    await send({ id, ok: true, result: { kernel: 1, computeMs: 0 } });
    await send({ id, ok: true, result: { kernel: 666, computeMs: 0 } });
  },
  'unknown fault': (id) => send({ id, ok: false, fault: 'root', message: 'x' }),
  'ends inside a frame': () => {
    process.stdout.write(u32(100, 0), () => process.kill(process.pid, 'SIGKILL'));
  },
  'closes its output': () => void process.stdout.end(),
  'never answers': () => undefined,
};

await send({ ready: null, pid: 1 });
for await (const { message } of readFrames(process.stdin)) {
  const { id, request } = message as { id: number; request: { key?: string } };
  await WAYS[request.key ?? '']?.(id);
}
