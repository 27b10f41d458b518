import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { FrameMemory } from '../../repl/host/frame-memory.ts';
import { type Frame, FrameError, readFrames, writeFrame } from '../../repl/host/frames.ts';
import { KernelCrashed, openRepl, prepareBaseImage, type Repl } from '../../repl/index.ts';
import { kernelHostsOf } from '../chaos/processes.ts';
import { CACHE_DIR, memoryStore, openTestRepl, Session } from './support/session.ts';

const store = memoryStore();
let repl: Repl;

beforeAll(async () => {
  repl = await openTestRepl(store);
});
afterAll(() => repl.dispose());

describe('the kernel host', () => {
  test('that is killed in the middle of a cell fails the step; the next attempt runs on a new host', async () => {
    const session = new Session(repl, store, 'kill');
    await session.run('kept = "before"');
    const input = await session.input('while True: pass');
    const [pid] = repl.hostPids;
    if (pid === undefined) throw new Error('no host');
    const running = repl.runStep(input, { onProgress: () => process.kill(pid, 'SIGKILL') });
    await expect(running).rejects.toThrow(new KernelCrashed('the kernel host ended (SIGKILL)'));
    expect((await session.run('kept')).value).toBe("'before'");
    expect(repl.hostPids).not.toContain(pid);
    expect(repl.stats().hostsLost).toBe(1);
  });

  test('a waiting cell outlives the host that parked it', async () => {
    const session = new Session(repl, store, 'outlive');
    const { input, waiting } = await session.wait('a = 1\nr = llm_query("q")\n(a, r)');
    const [pid] = repl.hostPids;
    if (pid === undefined) throw new Error('no host');
    process.kill(pid, 'SIGKILL');
    const attempt = async (): Promise<unknown> => session.resume(input, waiting);
    // The first attempt may still talk to the dead host.
    const outcome = await attempt().catch(attempt);
    expect(outcome).toMatchObject({
      kind: 'finished',
      way: 'replayed',
      value: { text: "(1, 're q')" },
    });
  });

  test('is started again when the cache was deleted meanwhile', async () => {
    const cacheDir = await mkdtemp(join(tmpdir(), 'rlm-cache-'));
    const { path } = await prepareBaseImage({ cacheDir: CACHE_DIR });
    await cp(path, join(cacheDir, basename(path)), { recursive: true });
    const own = await openRepl({ store, cacheDir, warmKernels: 0 });
    try {
      const session = new Session(own, store, 'deleted cache');
      await session.run('kept = "before"');
      await rm(join(cacheDir, basename(path)), { recursive: true });
      for (const pid of own.hostPids) process.kill(pid, 'SIGKILL');
      const attempt = async (): Promise<string | null> => (await session.run('kept')).value;
      // The first attempt may still talk to the dead host.
      expect(await attempt().catch(attempt)).toBe("'before'");
    } finally {
      await own.dispose();
      await rm(cacheDir, { recursive: true, force: true });
    }
  }, 180_000);

  test('ends with a REPL that could not be opened, since the store was full', async () => {
    const before = await kernelHostsOf(process.pid);
    const put = (): Promise<never> => Promise.reject(new Error('full'));
    const full = { ...store, blobs: { ...store.blobs, put } };
    await expect(openTestRepl(full)).rejects.toThrow('full');
    expect(await kernelHostsOf(process.pid)).toEqual(before);
  });

  test('a cancelled step ends its kernel at once, and others go on', async () => {
    const session = new Session(repl, store, 'cancel');
    const neighbour = new Session(repl, store, 'neighbour');
    await neighbour.run('n = 1');
    const controller = new AbortController();
    const input = await session.input('while True: pass');
    const running = repl.runStep(input, {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('cancelled by test')),
    });
    await expect(running).rejects.toThrow(new Error('cancelled by test'));
    expect((await neighbour.run('n + 1')).value).toBe('2');
    expect(repl.stats().running).toBe(0);
  });

  test('a step that is stopped in the middle of a replay is no step that crashed', async () => {
    const session = new Session(repl, store, 'stopped replay');
    const code = 'n = 0\nfor i in range(5_000_000): n += 1\nllm_query("q")';
    const { input, waiting } = await session.wait(code);
    const other = await openTestRepl(store);
    try {
      const controller = new AbortController();
      const delivery = { clockMs: input.clockMs, recorded: [], failed: [], subRuns: [] };
      const running = other.runStep(
        { ...input, journal: waiting.journal, delivery },
        {
          signal: controller.signal,
          onProgress: () => controller.abort(new Error('stopped by test')),
        },
      );
      await expect(running).rejects.toThrow(new Error('stopped by test'));
    } finally {
      await other.dispose();
    }
  });

  test('reports progress at least once a second while it computes', async () => {
    const session = new Session(repl, store, 'progress');
    let beats = 0;
    const input = await session.input('while True: pass', { limits: { computeMs: 2500 } });
    await repl.runStep(input, { onProgress: () => (beats += 1) });
    expect(beats).toBeGreaterThanOrEqual(2);
  });

  test('several cells run at the same time', async () => {
    const sessions = [1, 2, 3].map((i) => new Session(repl, store, `parallel ${i}`));
    const values = await Promise.all(
      sessions.map(async (s, i) => (await s.run(`sum(range(${i} + 100000))`)).value),
    );
    expect(values).toEqual(['4999950000', '5000050000', '5000150001']);
  });

  test('a REPL that was disposed of says so', async () => {
    const own = await openTestRepl(store);
    const session = new Session(own, store, 'disposed');
    const input = await session.input('while True: pass');
    const running = expect(own.runStep(input)).rejects.toThrow(KernelCrashed);
    await own.dispose();
    await running;
    await expect(own.runStep(input)).rejects.toThrow(new KernelCrashed('the REPL was disposed of'));
    expect(own.hostPids).toEqual([]);
  });
});

describe('frames', () => {
  test('carry JSON and attachments across chunks of any size', async () => {
    const stream = new PassThrough();
    const big = Buffer.alloc(300_000, 7);
    const bytes: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => bytes.push(chunk));
    await writeFrame(stream, { a: 'é' }, [big, Buffer.alloc(0)]);
    await writeFrame(stream, [1]);
    stream.end();
    const all = Buffer.concat(bytes);
    const again = new PassThrough();
    for (let at = 0; at < all.length; at += 7919) again.write(all.subarray(at, at + 7919));
    again.end();
    const frames = [];
    for await (const { message, attachments } of readFrames(again)) {
      frames.push({ message, attachments });
    }
    expect(frames).toEqual([
      { message: { a: 'é' }, attachments: [big, Buffer.alloc(0)] },
      { message: [1], attachments: [] },
    ]);
  });

  test('lie in memory that is used again, the largest of it, when nobody needs it any more', async () => {
    const memory = new FrameMemory();
    const frame = async (...attachments: Buffer[]): Promise<Frame> => {
      const stream = new PassThrough();
      await writeFrame(stream, {}, attachments);
      stream.end();
      const { value } = await readFrames(stream, (bytes) => memory.take(bytes)).next();
      return value;
    };
    const first = await frame(Buffer.alloc(50_000, 1), Buffer.alloc(10, 2));
    const second = await frame(Buffer.alloc(50_000, 3));
    expect(second.memory).not.toBe(first.memory);
    expect(first.attachments).toEqual([Buffer.alloc(50_000, 1), Buffer.alloc(10, 2)]);
    memory.giveBack(first.memory);
    const third = await frame(Buffer.alloc(50_010, 4));
    expect(third.memory).toBe(first.memory);
    expect(second.attachments).toEqual([Buffer.alloc(50_000, 3)]);
    for (const size of [10, 30, 20]) memory.giveBack(Buffer.alloc(size));
    expect([memory.take(1), memory.take(1)].map(({ length }) => length)).toEqual([30, 20]);
    // What is too large to keep is left to the collector.
    const huge = Buffer.alloc(40_000_000);
    memory.giveBack(huge);
    expect(memory.take(40_000_000)).not.toBe(huge);
  });

  const head = (...numbers: number[]): Buffer => {
    const bytes = Buffer.alloc(4 * numbers.length);
    numbers.forEach((n, i) => bytes.writeUInt32LE(n, 4 * i));
    return bytes;
  };
  test.each([
    [
      'too much JSON',
      head(2 ** 31, 0),
      'frame of 2147483648 bytes of JSON and 0 attachments refused',
    ],
    [
      'too many attachments',
      head(2, 50_000),
      'frame of 2 bytes of JSON and 50000 attachments refused',
    ],
    [
      'a giant attachment',
      head(2, 1, 2 ** 32 - 1),
      'frame with 4294967295 bytes of attachments refused',
    ],
    ['no JSON', Buffer.concat([head(2, 0), Buffer.from('{]')]), 'a frame holds no JSON'],
  ])('%s is refused before it is kept', async (_, bytes, message) => {
    const stream = new PassThrough();
    stream.end(bytes);
    await expect(readFrames(stream).next()).rejects.toThrow(new FrameError(message));
  });

  test('a stream that ends inside a frame gives no frame', async () => {
    const stream = new PassThrough();
    stream.end(Buffer.concat([head(100, 0), Buffer.from('{"half":')]));
    expect(await readFrames(stream).next()).toEqual({ done: true, value: undefined });
  });
});
