import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { Unreadable } from './errors.ts';
import type { OnPage } from './formats/read-pdf.ts';
import type { MeasuredLeaf } from './measure-leaf.ts';

const THREAD = new URL(
  `./convert-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
);

/** For one document: the largest that is read takes minutes, one that takes this long never ends. */
const LIMIT_MS = 30 * 60_000;
/** JavaScript memory of the thread: what a document needs beyond it is a bomb, or too large to be parsed. */
const MEMORY_MIB = 4096;

export interface ReadResult {
  texts: MeasuredLeaf[];
  notes: string[];
}

/** The thread's own messages: only their kind is in question. */
const Reply = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('page'), page: z.int(), pages: z.int() }),
  z.object({
    kind: z.literal('read'),
    texts: z.custom<MeasuredLeaf[]>(Array.isArray),
    notes: z.array(z.string()),
  }),
  z.object({ kind: z.literal('unreadable'), phrase: z.string() }),
]);

/** Reads documents in a thread of its own, one after the other, so that none blocks or ends this process. Dispose of it. */
export class Converter {
  readonly #limits: { ms: number; memoryMiB: number };
  #thread: Worker | null = null;

  constructor(limits: { ms?: number; memoryMiB?: number } = {}) {
    this.#limits = { ms: limits.ms ?? LIMIT_MS, memoryMiB: limits.memoryMiB ?? MEMORY_MIB };
  }

  /** Takes the bytes away from the caller. Throws Unreadable, and the signal's reason; the converter can be used again after both. */
  async read(
    name: string,
    bytes: Uint8Array<ArrayBuffer>,
    options: { signal?: AbortSignal | undefined; onPage?: OnPage } = {},
  ): Promise<ReadResult> {
    const { signal, onPage } = options;
    signal?.throwIfAborted();
    const thread = (this.#thread ??= this.#start());
    const { promise, resolve, reject } = Promise.withResolvers<ReadResult>();
    const onMessage = (message: unknown): void => {
      const reply = Reply.parse(message);
      if (reply.kind === 'page') onPage?.(reply.page, reply.pages);
      else if (reply.kind === 'read') resolve(reply);
      else reject(new Unreadable(reply.phrase));
    };
    const lost = (phrase: string): void => {
      this.#drop();
      reject(new Unreadable(phrase));
    };
    const onError = (error: unknown): void => {
      const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
      lost(
        code === 'ERR_WORKER_OUT_OF_MEMORY'
          ? `needs more than ${this.#limits.memoryMiB.toLocaleString('en')} MiB of memory to be read`
          : `cannot be read (${error instanceof Error ? error.message : String(error)})`,
      );
    };
    const onAbort = (): void => {
      this.#drop();
      reject(signal?.reason);
    };
    const timer = setTimeout(
      () => lost(`took longer than ${Math.ceil(this.#limits.ms / 60_000)} min to read`),
      this.#limits.ms,
    );
    thread.on('message', onMessage).on('error', onError);
    signal?.addEventListener('abort', onAbort);
    try {
      const moved = movable(bytes);
      thread.postMessage({ name, bytes: moved }, [moved.buffer]);
      return await promise;
    } finally {
      clearTimeout(timer);
      thread.off('message', onMessage).off('error', onError);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async dispose(): Promise<void> {
    const thread = this.#thread;
    this.#thread = null;
    await thread?.terminate();
  }

  #start(): Worker {
    const thread = new Worker(THREAD, {
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.memoryMiB },
      // A document must not learn what the worker was told.
      env: {},
      // Libraries warn about documents; the worker's log is not theirs.
      stdout: true,
      stderr: true,
    });
    thread.unref();
    // One that is not waited for must not end the process.
    thread.on('error', () => undefined);
    return thread;
  }

  #drop(): void {
    const thread = this.#thread;
    this.#thread = null;
    void thread?.terminate();
  }
}

/** Small buffers share their memory with others, which would be taken away too. */
function movable(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}
