import { once } from 'node:events';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';

/**
 * Frames between a worker and its kernel host: u32 length of the JSON, u32 number of attachments, u32 length of each,
 * then the JSON and the attachments. Each side treats the other's frames as untrusted: lengths are checked before
 * anything is kept.
 */
export const MAX_JSON_BYTES = 64 * 2 ** 20;
export const MAX_ATTACHMENT_BYTES = 2 ** 31 - 1;
export const MAX_ATTACHMENTS = 20_000;
/** Calls of one round: each has at most two attachments (a sub-call has no context, nothing else shows anything). */
export const MAX_ROUND = MAX_ATTACHMENTS / 2;
/** Everything of one frame. */
export const MAX_FRAME_BYTES = 6 * 2 ** 30;

const READ_BYTES = 2 ** 20;

export interface Frame {
  message: unknown;
  attachments: Buffer[];
  /** What the attachments lie in. */
  memory: Buffer;
}

/** Where attachments are put; see FrameMemory. */
type Allocate = (bytes: number) => Buffer;

/** The other side broke the protocol; the connection is of no more use. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** Writes one frame; resolves when the stream has taken it. Frames of one stream are not interleaved: the caller writes them one after the other. */
export async function writeFrame(
  stream: Writable,
  message: unknown,
  attachments: readonly Uint8Array[] = [],
): Promise<void> {
  const json = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(8 + 4 * attachments.length);
  head.writeUInt32LE(json.length, 0);
  head.writeUInt32LE(attachments.length, 4);
  attachments.forEach(({ length }, i) => head.writeUInt32LE(length, 8 + 4 * i));
  // What is written before the next tick leaves as one write.
  stream.cork();
  let free = stream.write(Buffer.concat([head, json]));
  for (const bytes of attachments) free = stream.write(bytes);
  stream.uncork();
  if (!free) await once(stream, 'drain');
}

/** What a pipe gives, in as few pieces as the system allows: large frames come faster than through a stream. A piece is overwritten by the next. */
export async function* chunksOf(fd: number): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const state = { ended: false, next: Promise.withResolvers<number>() };
  const callback = (bytes: number): boolean => {
    state.next.resolve(bytes);
    // No more until this is taken.
    return false;
  };
  const socket = new Socket({ fd, readable: true, onread: { buffer, callback } });
  const end = (): void => {
    state.ended = true;
    state.next.resolve(0);
  };
  socket.once('end', end).once('close', end).once('error', end);
  while (!state.ended) {
    socket.resume();
    const bytes = await state.next.promise;
    if (bytes === 0) return;
    state.next = Promise.withResolvers();
    yield buffer.subarray(0, bytes);
  }
}

/** The frames of a stream of bytes, in order. Throws FrameError on lengths beyond the limits. Ends with the stream, also inside a frame. */
export async function* readFrames(
  chunks: AsyncIterable<Buffer>,
  allocate: Allocate = (bytes) => Buffer.allocUnsafeSlow(bytes),
): AsyncGenerator<Frame> {
  const input = new ByteQueue(chunks);
  for (;;) {
    const head = await input.take(8);
    if (head === undefined) return;
    const jsonBytes = head.readUInt32LE(0);
    const count = head.readUInt32LE(4);
    if (jsonBytes > MAX_JSON_BYTES || count > MAX_ATTACHMENTS) {
      throw new FrameError(`frame of ${jsonBytes} bytes of JSON and ${count} attachments refused`);
    }
    const table = await input.take(4 * count);
    if (table === undefined) return;
    const sizes = Array.from({ length: count }, (_, i) => table.readUInt32LE(4 * i));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (total > MAX_FRAME_BYTES || sizes.some((size) => size > MAX_ATTACHMENT_BYTES)) {
      throw new FrameError(`frame with ${total} bytes of attachments refused`);
    }
    const json = await input.take(jsonBytes);
    if (json === undefined) return;
    const memory = allocate(total);
    if (!(await input.fill(memory.subarray(0, total)))) return;
    let at = 0;
    const attachments = sizes.map((size) => memory.subarray(at, (at += size)));
    yield { message: parse(json), attachments, memory };
  }
}

function parse(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'));
  } catch {
    throw new FrameError('a frame holds no JSON');
  }
}

/** Exact numbers of bytes from a stream of chunks. What it gives is its own: a chunk may be overwritten afterwards. */
class ByteQueue {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Undefined when the stream ends before. */
  async take(size: number): Promise<Buffer | undefined> {
    const out = Buffer.allocUnsafe(size);
    return (await this.fill(out)) ? out : undefined;
  }

  /** False when the stream ends before. */
  async fill(out: Buffer): Promise<boolean> {
    for (let filled = 0; ;) {
      const used = this.#rest.copy(
        out,
        filled,
        0,
        Math.min(this.#rest.length, out.length - filled),
      );
      filled += used;
      this.#rest = this.#rest.subarray(used);
      if (filled === out.length) return true;
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      this.#rest = next.value;
    }
  }
}
