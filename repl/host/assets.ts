import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withMemoryLimit } from './wasm-memory-limit.ts';
import { withStackUse } from './wasm-stack-use.ts';
import { patchPyodide } from './pyodide-patches.ts';

/** Hard cap of every heap of a host, in MiB: the maximum in the WebAssembly module. A run's own limit lies below it. */
export const HARD_HEAP_MIB = 4096;
const PAGES_A_MIB = 16;
/**
 * Freeing nested objects recurses without using the stack that Python watches: how deep it may go would be up to V8,
 * whose compilers make frames of different sizes, so that the same cell would end here and be rolled back there.
 */
const DEALLOC_STACK_BYTES = 32;

/** Everything a kernel is made of, read once a host. */
export interface KernelAssets {
  wasm: Uint8Array;
  stdlib: Uint8Array;
  scanner: Uint8Array;
  asm: string;
  main: string;
  environment: string;
  switch: string;
  session: string;
  files: string;
  stacks: string;
  pages: string;
  kernel: string;
  seal: string;
  bootstrap: string;
  /** JSON: module name -> source of the Python prelude. */
  sources: string;
}

/** The folder of this room: `repl/`. */
export const REPL_FOLDER = join(dirname(fileURLToPath(import.meta.url)), '..');

export function pyodideFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('pyodide/package.json'));
}

export function readAssets(): KernelAssets {
  const folder = pyodideFolder();
  const pyodide = (name: string): string => join(folder, name);
  const own = (...names: string[]): string => readFileSync(join(REPL_FOLDER, ...names), 'utf8');
  return {
    wasm: withStackUse(
      withMemoryLimit(readFileSync(pyodide('pyodide.asm.wasm')), HARD_HEAP_MIB * PAGES_A_MIB),
      '_Py_Dealloc',
      DEALLOC_STACK_BYTES,
    ),
    stdlib: readFileSync(pyodide('python_stdlib.zip')),
    scanner: readFileSync(join(REPL_FOLDER, 'scan.wasm')),
    asm: patchPyodide(readFileSync(pyodide('pyodide.asm.mjs'), 'utf8')),
    main: readFileSync(pyodide('pyodide.mjs'), 'utf8'),
    environment: own('isolate', 'environment.js'),
    switch: own('isolate', 'switch.js'),
    session: own('isolate', 'session.js'),
    files: own('isolate', 'files.js'),
    stacks: own('isolate', 'stacks.js'),
    pages: own('isolate', 'pages.js'),
    kernel: own('isolate', 'kernel.js'),
    seal: own('isolate', 'seal.js'),
    bootstrap: own('python', 'bootstrap.py'),
    sources: JSON.stringify(preludeSources()),
  };
}

function preludeSources(): Record<string, string> {
  const folder = join(REPL_FOLDER, 'python', 'rlm');
  const files = readdirSync(folder).filter((name) => name.endsWith('.py'));
  return Object.fromEntries(
    files.toSorted().map((file) => {
      const module = file.slice(0, -'.py'.length);
      return [
        module === '__init__' ? 'rlm' : `rlm.${module}`,
        readFileSync(join(folder, file), 'utf8'),
      ];
    }),
  );
}
