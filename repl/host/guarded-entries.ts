import type { EntryName, KernelEntries } from './kernel-entries.ts';
import { KernelFault, toKernelFault } from './kernel-fault.ts';

/** Time for what is no model code: imaging, restoring, reading. A kernel that exceeds it is thrown away. */
const SERVICE_TIMEOUT_MS = 60_000;

type Arguments = Parameters<KernelEntries['call']>[1];

/** The ways into a kernel until its first fault, which every later call throws again. */
export class GuardedEntries {
  readonly #entries: KernelEntries;
  #fault: KernelFault | null = null;

  constructor(entries: KernelEntries) {
    this.#entries = entries;
  }

  /** Ends the kernel's use; returns the fault that is its last word, the first one. */
  end(fault: KernelFault): KernelFault {
    this.#fault ??= fault;
    return this.#fault;
  }

  async run<T>(work: (entries: KernelEntries) => Promise<T>): Promise<T> {
    if (this.#fault) throw this.#fault;
    try {
      return await work(this.#entries);
    } catch (error) {
      throw this.end(toKernelFault(error));
    }
  }

  call(name: EntryName, args: Arguments = []): Promise<unknown> {
    return this.run((entries) => entries.call(name, args, SERVICE_TIMEOUT_MS));
  }

  number(name: EntryName, args: Arguments = []): Promise<number> {
    return this.run((entries) => entries.number(name, args, SERVICE_TIMEOUT_MS));
  }

  bytes(name: EntryName, args: Arguments = []): Promise<Buffer> {
    return this.run((entries) => entries.bytes(name, args, SERVICE_TIMEOUT_MS));
  }

  /** Numbers of 32 bits. */
  async words(name: EntryName, args: Arguments = []): Promise<Uint32Array> {
    const bytes = await this.bytes(name, args);
    return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
  }

  /** After a fault too, within so many ms. */
  lastBytes(name: EntryName, args: Arguments, timeoutMs: number): Promise<Buffer> {
    return this.#entries.bytes(name, args, timeoutMs);
  }
}

/** What no kernel says that was not tampered with. */
export function forgery(what: string): KernelFault {
  return new KernelFault('crash', what);
}
