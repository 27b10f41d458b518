import process from 'node:process';
import type ivm from 'isolated-vm';
import { KernelFault } from './kernel-fault.ts';

/** The functions of `isolate/kernel.js`, which say there what they do. */
export const ENTRY_NAMES = [
  'prepare',
  'stage',
  'stageAll',
  'write',
  'read',
  'gather',
  'begin',
  'deliver',
  'poll',
  'rest',
  'forget',
  'settle',
  'scan',
  'pages',
  'grow',
  'restore',
  'restored',
  'heapBytes',
  'tableLength',
  'references',
  'output',
  'saveFiles',
  'loadFiles',
] as const;
export type EntryName = (typeof ENTRY_NAMES)[number];

/** Reports name texts by address; what they hold themselves is small. Larger ones would stall the whole host. */
const MAX_REPORT_CHARS = 32 * 2 ** 20;

/** A call that has not ended so long after its time never will. Generous: a busy machine must not look like an attack. */
const WATCHDOG_MS = 15_000;

type Argument = number | string | ivm.Copy<ArrayBuffer>;

/** The ways into one isolate. Whoever holds the isolate's JavaScript can answer anything: what comes back is checked. */
export class KernelEntries {
  readonly #references: Record<EntryName, ivm.Reference>;
  #stuck: KernelFault | null = null;

  private constructor(references: Record<EntryName, ivm.Reference>) {
    this.#references = references;
  }

  /** From the object that `isolate/kernel.js` evaluates to; releases it. */
  static async of(api: ivm.Reference): Promise<KernelEntries> {
    const entry = (name: EntryName): Promise<ivm.Reference> => api.get(name, { reference: true });
    const references: Record<EntryName, ivm.Reference> = {
      prepare: await entry('prepare'),
      stage: await entry('stage'),
      stageAll: await entry('stageAll'),
      write: await entry('write'),
      read: await entry('read'),
      gather: await entry('gather'),
      begin: await entry('begin'),
      deliver: await entry('deliver'),
      poll: await entry('poll'),
      rest: await entry('rest'),
      forget: await entry('forget'),
      settle: await entry('settle'),
      scan: await entry('scan'),
      pages: await entry('pages'),
      grow: await entry('grow'),
      restore: await entry('restore'),
      restored: await entry('restored'),
      heapBytes: await entry('heapBytes'),
      tableLength: await entry('tableLength'),
      references: await entry('references'),
      output: await entry('output'),
      saveFiles: await entry('saveFiles'),
      loadFiles: await entry('loadFiles'),
    };
    api.release();
    return new KernelEntries(references);
  }

  /** Calls an entry; resolves when its microtasks are done too. Rejects with the errors of isolated-vm. */
  async call(name: EntryName, args: readonly Argument[], timeoutMs: number): Promise<unknown> {
    if (this.#stuck) throw this.#stuck;
    const timeout = Math.max(1, Math.ceil(timeoutMs));
    // The engine's own timeout does not cover the getters of a hostile error, which run when it is copied out: neither
    // it nor disposing of the isolate ends them. The thread is then lost, and the process has to go.
    const late: PromiseWithResolvers<never> = Promise.withResolvers();
    const watchdog = setTimeout(() => {
      retireProcess();
      this.#stuck = new KernelFault('timeout', 'the compute time of the cell is used up');
      late.reject(this.#stuck);
    }, timeout + WATCHDOG_MS);
    const called = this.#references[name].apply(undefined, [...args], {
      result: { copy: true },
      timeout,
    });
    try {
      return await Promise.race([called, late.promise]);
    } finally {
      clearTimeout(watchdog);
    }
  }

  async number(name: EntryName, args: readonly Argument[], timeoutMs: number): Promise<number> {
    const value = await this.call(name, args, timeoutMs);
    if (typeof value !== 'number') throw forged(name);
    return value;
  }

  async text(name: EntryName, args: readonly Argument[], timeoutMs: number): Promise<string> {
    const value = await this.call(name, args, timeoutMs);
    if (typeof value !== 'string') throw forged(name);
    if (value.length > MAX_REPORT_CHARS) {
      throw new KernelFault('limit', 'it leaves behind more than can be reported');
    }
    return value;
  }

  async bytes(name: EntryName, args: readonly Argument[], timeoutMs: number): Promise<Buffer> {
    const value = await this.call(name, args, timeoutMs);
    if (!(value instanceof ArrayBuffer)) throw forged(name);
    return Buffer.from(value);
  }
}

function forged(name: EntryName): KernelFault {
  return new KernelFault('crash', `the interpreter answered ${name} with another type`);
}

/** Time for the answer to leave; the worker starts another host. */
const RETIRE_MS = 500;

function retireProcess(): void {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), RETIRE_MS);
}
