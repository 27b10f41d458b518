import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import process from 'node:process';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { errorText } from '../error-text.ts';
import { REPL_FOLDER } from './assets.ts';
import type { BaseDescription } from './base-description.ts';
import { readFrames, writeFrame } from './frames.ts';
import {
  HostReply,
  type HostOp,
  type HostRequest,
  type HostResult,
  HOST_RESULTS,
} from './host-protocol.ts';
import { type FaultKind, KernelFault } from './kernel-fault.ts';
import { moduleFolders } from './module-folders.ts';

/**
 * Stack of V8 in KiB, for each Python stack (reserved, not used: 1,000 of them take 25 MB). Deep enough for all recursion in C that
 * `STACK_BYTES` in isolate/kernel.js lets happen, in V8's slowest tier. isolated-vm bounds JavaScript by its thread's own stack.
 */
const STACK_KIB = 40_000;
const STARTUP_TIMEOUT_MS = 60_000;
/** Some times what the host allows its own work on a kernel. */
const ANSWER_MS = 5 * 60_000;
/** A host that closed its output has this long to end, which says more than that it did. */
const CLOSED_GRACE_MS = 1000;
/** The native loader of isolated-vm looks here to tell musl from glibc. */
const LIBC_PROBE = '/etc/alpine-release';

/** The host process is gone: every kernel in it is lost, no state is. The step runs again from its image. */
export class HostGone extends Error {
  override readonly name = 'HostGone';
}

interface Pending {
  resolve: (answer: { result: unknown; attachments: Buffer[] }) => void;
  reject: (error: Error) => void;
}

export interface HostProcessOptions {
  /** Null: the host can only build. */
  baseFolder: string | null;
  parkedMiB: number;
  warmKernels: number;
  /** Another program in the host's place, under the same permissions; for tests. */
  main?: string;
  /** After how many ms without an answer, compute time not counted, the host is given up. Default 5 minutes. */
  answerMs?: number;
}

/** One kernel host as its worker sees it. What it sends is untrusted and parsed. */
export class HostProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #pending = new Map<number, Pending>();
  readonly #ready: PromiseWithResolvers<BaseDescription | null> = Promise.withResolvers();
  #lastId = 0;
  #writing: Promise<void> = Promise.resolve();
  #gone: HostGone | null = null;
  #stderr = '';
  readonly #answerMs: number;

  private constructor({ main, answerMs = ANSWER_MS, ...options }: HostProcessOptions) {
    this.#answerMs = answerMs;
    const readable = [
      ...(main === undefined ? [] : [dirname(main)]),
      REPL_FOLDER,
      join(REPL_FOLDER, '..', 'protocol'),
      join(REPL_FOLDER, '..', 'package.json'),
      ...moduleFolders(),
      LIBC_PROBE,
      ...(options.baseFolder === null ? [] : [options.baseFolder]),
    ];
    this.#child = spawn(
      process.execPath,
      [
        '--permission',
        '--allow-addons',
        ...readable.map((path) => `--allow-fs-read=${path}`),
        '--no-warnings',
        '--expose-gc',
        `--stack-size=${STACK_KIB}`,
        `--wasm-stack-switching-stack-size=${STACK_KIB}`,
        main ?? hostMain(),
        JSON.stringify(options),
      ],
      { env: { TZ: 'UTC', LANG: 'C.UTF-8' }, cwd: '/', stdio: ['pipe', 'pipe', 'pipe'] },
    );
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-2000);
    });
    this.#child.on('error', (error) => this.#end(`could not be started: ${error.message}`));
    this.#child.on('exit', (code, signal) => {
      this.#end(
        `ended (${signal ?? `exit code ${code}`})${this.#stderr && `: ${this.#stderr.trim()}`}`,
      );
    });
    // A host that dies while we write is reported by its exit.
    this.#child.stdin.on('error', () => {});
    void this.#read();
  }

  /** Starts a host and waits until it can serve. */
  static async start(options: HostProcessOptions): Promise<HostProcess> {
    const host = new HostProcess(options);
    const timer = setTimeout(
      () => host.#end(`was not ready after ${STARTUP_TIMEOUT_MS} ms`),
      STARTUP_TIMEOUT_MS,
    );
    try {
      await host.#ready.promise;
      return host;
    } finally {
      clearTimeout(timer);
    }
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get alive(): boolean {
    return this.#gone === null;
  }

  /** Asks the host. Throws KernelFault when the kernel failed, HostGone when the process did. */
  async ask<Op extends HostOp>(
    request: HostRequest & { op: Op },
    attachments: readonly Uint8Array[] = [],
  ): Promise<{ result: HostResult[Op]; attachments: Buffer[] }> {
    if (this.#gone) throw this.#gone;
    this.#lastId += 1;
    const id = this.#lastId;
    const answer: PromiseWithResolvers<{ result: unknown; attachments: Buffer[] }> =
      Promise.withResolvers();
    this.#pending.set(id, answer);
    this.#writing = this.#writing
      .then(() => writeFrame(this.#child.stdin, { id, request }, attachments))
      // The exit handler says why.
      .catch(() => {});
    // The host ends model code by itself; one that does not answer long after that is stuck.
    const patience = this.#answerMs + ('limits' in request ? request.limits.computeMs : 0);
    const timer = setTimeout(
      () => this.#end(`did not answer ${request.op} within ${patience} ms`),
      patience,
    );
    const { result, attachments: attached } = await answer.promise.finally(() => {
      clearTimeout(timer);
    });
    const parsed = HOST_RESULTS[request.op].safeParse(result);
    if (!parsed.success) throw this.#end(`broke the protocol: ${parsed.error.message}`);
    return { result: parsed.data, attachments: attached };
  }

  /** Ends the process and all its kernels. */
  async dispose(): Promise<void> {
    const exited = this.#child.exitCode !== null || this.#child.signalCode !== null;
    const gone = exited
      ? Promise.resolve()
      : new Promise((resolve) => this.#child.once('exit', resolve));
    this.#end('was disposed of');
    await gone;
  }

  async #read(): Promise<void> {
    try {
      for await (const { message, attachments } of readFrames(this.#child.stdout)) {
        const reply = HostReply.parse(message);
        if ('ready' in reply) this.#ready.resolve(reply.ready);
        else if ('refused' in reply) this.#end(`cannot serve: ${reply.refused}`);
        else {
          const pending = this.#pending.get(reply.id);
          this.#pending.delete(reply.id);
          if (reply.ok) pending?.resolve({ result: reply.result, attachments });
          else pending?.reject(new KernelFault(asKind(reply.fault), reply.message));
        }
      }
      setTimeout(() => this.#end('closed its output'), CLOSED_GRACE_MS).unref();
    } catch (error) {
      const why = errorText(error).slice(0, 500);
      this.#end(`broke the protocol: ${why}`);
    }
  }

  #end(why: string): HostGone {
    if (this.#gone === null) {
      this.#gone = new HostGone(`the kernel host ${why}`);
      this.#ready.promise.catch(() => {});
      this.#ready.reject(this.#gone);
      for (const { reject } of this.#pending.values()) reject(this.#gone);
      this.#pending.clear();
      this.#child.kill('SIGKILL');
    }
    return this.#gone;
  }
}

function asKind(fault: string): FaultKind {
  return fault === 'timeout' || fault === 'memory' || fault === 'limit' || fault === 'image'
    ? fault
    : 'crash';
}

/** `main.ts` here, `main.js` in a built package. */
function hostMain(): string {
  const own = fileURLToPath(import.meta.url);
  return join(dirname(own), own.endsWith('.ts') ? 'main.ts' : 'main.js');
}
