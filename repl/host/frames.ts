import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

/**
 * Frames between a worker and its kernel host: u32 length of the JSON, u32 number of attachments, u32 length of each,
 * then the JSON and the attachments. Each side treats the other's frames as untrusted: lengths are checked before
 * anything is kept.
 */
export const MAX_JSON_BYTES = 64 * 2 ** 20;
export const MAX_ATTACHMENT_BYTES = 2 ** 31 - 1;
export const MAX_ATTACHMENTS = 20_000;
/** Calls of one round: each has at most two attachments. */
export const MAX_ROUND = MAX_ATTACHMENTS / 2;
/** Everything of one frame. */
export const MAX_FRAME_BYTES = 6 * 2 ** 30;

export interface Frame {
  message: unknown;
  attachments: Buffer[];
}

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

/** The frames of a stream, in order. Throws FrameError on lengths beyond the limits. Ends with the stream, also inside a frame. */
export async function* readFrames(stream: Readable): AsyncGenerator<Frame> {
  const input = new ByteQueue(stream);
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
    const attachments: Buffer[] = [];
    for (const size of sizes) {
      const bytes = await input.take(size);
      if (bytes === undefined) return;
      attachments.push(bytes);
    }
    yield { message: parse(json), attachments };
  }
}

function parse(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'));
  } catch {
    throw new FrameError('a frame holds no JSON');
  }
}

/** Exact numbers of bytes from a stream of chunks. */
class ByteQueue {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: Readable) {
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** Undefined when the stream ends before. */
  async take(size: number): Promise<Buffer | undefined> {
    if (this.#rest.length >= size) {
      const taken = this.#rest.subarray(0, size);
      this.#rest = this.#rest.subarray(size);
      return taken;
    }
    const out = Buffer.allocUnsafeSlow(size);
    let filled = this.#rest.copy(out);
    this.#rest = Buffer.alloc(0);
    while (filled < size) {
      const next = await this.#chunks.next();
      if (next.done === true) return undefined;
      const used = next.value.copy(out, filled, 0, Math.min(next.value.length, size - filled));
      filled += used;
      this.#rest = next.value.subarray(used);
    }
    return out;
  }
}
