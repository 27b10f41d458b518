import ivm from 'isolated-vm';
import type { KernelAssets } from './assets.ts';
import { WINDOW_BYTES } from './heap-window.ts';
import { KernelEntries } from './kernel-entries.ts';
import { moveIn } from './move-in.ts';

/** JavaScript heap of one isolate in MiB; the WebAssembly heap is not part of it. Files of the session are. */
const ISOLATE_MIB = 512;
const BOOT_TIMEOUT_MS = 60_000;

/** What every isolate of a host is booted from. */
export interface BootShare {
  assets: KernelAssets;
  compiled?: ivm.ExternalCopy<unknown>;
}

/** A start-up snapshot and where things lie in it. */
export interface Snapshot {
  /** One memory for all isolates that boot from it (seal.js takes it out of each one's reach). */
  shared: ivm.ExternalCopy<SharedArrayBuffer>;
  /** JSON; see `session.js`. */
  places: string;
}

export function shareSnapshot(bytes: Buffer, places: string): Snapshot {
  const memory = new SharedArrayBuffer(bytes.length);
  new Uint8Array(memory).set(bytes);
  return { shared: new ivm.ExternalCopy(memory), places };
}

export interface BootedIsolate {
  isolate: ivm.Isolate;
  /** The module, for the next isolates of this process. */
  compiled: ivm.ExternalCopy<unknown>;
  entries: KernelEntries;
  /** See `HeapWindow`. */
  window: SharedArrayBuffer;
}

const LOCK_FILE = JSON.stringify({
  info: {
    abi_version: '2026_0',
    arch: 'wasm32',
    platform: 'emscripten',
    version: '0.0.1',
    python: '3.14.2',
  },
  packages: {},
});

/** A fresh isolate with Pyodide in it, from a snapshot or, much slower, from nothing. */
async function bootPyodide(
  share: BootShare,
  snapshot: Snapshot | null,
): Promise<{ isolate: ivm.Isolate; context: ivm.Context }> {
  const isolate = new ivm.Isolate({ memoryLimit: ISOLATE_MIB });
  const context = await isolate.createContext();
  const { global } = context;
  const { assets } = share;
  await global.set('globalThis', global.derefInto());
  await global.set('_log', new ivm.Callback(ignore));
  await global.set(
    '_readBuffer',
    new ivm.Callback((path: string) => {
      if (path.endsWith('.wasm')) {
        // With a compiled module only the size counts: environment.js tells the main module by it.
        return moveIn(share.compiled ? new Uint8Array(2_000_000) : assets.wasm);
      }
      return moveIn(path.endsWith('.zip') ? assets.stdlib : new Uint8Array());
    }),
  );
  await global.set('_read', new ivm.Callback(() => ''));
  await context.eval(assets.environment);
  if (share.compiled) await global.set('_compiled', share.compiled.copyInto());
  await context.eval(assets.switch);
  if (snapshot) await global.set('_snapshot', snapshot.shared.copyInto());
  for (const [source, name] of [
    [assets.asm, '_asm'],
    [assets.main, '_main'],
  ] as const) {
    const module = await isolate.compileModule(source, { filename: `file:///${name}.mjs` });
    await module.instantiate(context, refuseImport);
    await module.evaluate();
    await global.set(name, module.namespace.derefInto());
  }
  await context.eval(
    `(async () => {
      globalThis.py = await _main.loadPyodide({
        indexURL: '/', createPyodideModule: _asm.default, lockFileContents: ${JSON.stringify(LOCK_FILE)},
        env: { HOME: '/home/pyodide', PYTHONHASHSEED: '0', LANG: 'C.UTF-8', TZ: 'UTC' },
        stdout: () => {}, stderr: () => {},
        ${snapshot ? '_loadSnapshot: _snapshot, _snapshotDeserializer: _switch.byName' : '_makeSnapshot: true'},
      });
    })()`,
    { promise: true },
  );
  return { isolate, context };
}

/** The ways into a booted isolate; it is not sealed yet. */
async function openEntries(
  { assets, compiled }: BootShare,
  { isolate, context }: { isolate: ivm.Isolate; context: ivm.Context },
  places: string,
): Promise<BootedIsolate> {
  const { global } = context;
  await global.set('_scanner', moveIn(assets.scanner));
  await global.set('_places', places);
  const window = new SharedArrayBuffer(WINDOW_BYTES);
  await global.set('_window', new ivm.ExternalCopy(window).copyInto({ release: true }));
  await context.eval(assets.files);
  await context.eval(assets.stacks);
  await context.eval(assets.pages);
  const api: ivm.Reference = await context.eval(assets.kernel, { reference: true });
  return {
    isolate,
    compiled: compiled ?? (await context.eval('_env.captured.module', { externalCopy: true })),
    entries: await KernelEntries.of(api),
    window,
  };
}

/** A kernel at the base image, sealed: nothing of the host is reachable in it. */
export async function bootIsolate(share: BootShare, snapshot: Snapshot): Promise<BootedIsolate> {
  const booted = await bootPyodide(share, snapshot);
  const opened = await openEntries(share, booted, snapshot.places);
  await opened.entries.call('settle', [], BOOT_TIMEOUT_MS);
  await booted.context.eval(share.assets.seal);
  return opened;
}

/** Boots without a snapshot, lets `warmUp` run in the session, and takes a snapshot of it. */
export async function takeSnapshot(
  share: BootShare,
  warmUp: (booted: BootedIsolate) => Promise<void>,
): Promise<{ bytes: Buffer; places: string }> {
  const booted = await bootPyodide(share, null);
  const { isolate, context } = booted;
  await context.global.set('_sources', share.assets.sources);
  await context.global.set('_bootstrap', share.assets.bootstrap);
  const places: unknown = await context.eval(share.assets.session, { copy: true });
  if (typeof places !== 'string') throw new Error('the session did not say where things lie');
  await warmUp(await openEntries(share, booted, places));
  const bytes: unknown = await context.eval(
    'py.makeMemorySnapshot({ serializer: _switch.nameOf }).buffer',
    { copy: true },
  );
  isolate.dispose();
  if (!(bytes instanceof ArrayBuffer)) throw new Error('Pyodide gave no snapshot');
  return { bytes: Buffer.from(bytes), places };
}

function refuseImport(specifier: string): never {
  throw new Error(`a kernel imports nothing: ${specifier}`);
}

function ignore(): void {}
