import ivm from 'isolated-vm';
import type { KernelAssets } from './assets.ts';
import { KernelEntries } from './kernel-entries.ts';
import { moveIn } from './move-in.ts';

/** JavaScript heap of one isolate in MiB; the WebAssembly heap is not part of it. Files of the session are. */
const ISOLATE_MIB = 512;

/** What kernels of one host share: the compiled module, and Pyodide's start-up snapshot. */
export interface BootShare {
  assets: KernelAssets;
  snapshot?: Uint8Array;
  compiled?: ivm.ExternalCopy<unknown>;
}

export interface BootedIsolate {
  isolate: ivm.Isolate;
  /** The module, for the next isolates of this process. */
  compiled: ivm.ExternalCopy<unknown>;
  entries: KernelEntries;
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

/** Boots Pyodide in a fresh isolate. With `share.snapshot` in 0.2-0.4 s; without one it can make one. */
export async function bootPyodide(
  share: BootShare,
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
  if (share.snapshot) await global.set('_snapshot', moveIn(share.snapshot));
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
        ${share.snapshot ? '_loadSnapshot: _snapshot' : '_makeSnapshot: true'},
      });
    })()`,
    { promise: true },
  );
  return { isolate, context };
}

/** A booted and sealed kernel; nothing of the host is reachable in it. */
export async function bootIsolate(share: BootShare): Promise<BootedIsolate> {
  const { isolate, context } = await bootPyodide(share);
  const { global } = context;
  const { assets } = share;
  await global.set('_scanner', moveIn(assets.scanner));
  await global.set('_sources', assets.sources);
  await global.set('_bootstrap', assets.bootstrap);
  await context.eval(assets.files);
  const compiled: ivm.ExternalCopy<unknown> =
    share.compiled ?? (await context.eval('_env.captured.module', { externalCopy: true }));
  const api: ivm.Reference = await context.eval(assets.kernel, { reference: true });
  return { isolate, compiled, entries: await KernelEntries.of(api) };
}

function refuseImport(specifier: string): never {
  throw new Error(`a kernel imports nothing: ${specifier}`);
}

function ignore(): void {}
