/* oxlint-disable no-underscore-dangle, unicorn/consistent-function-scoping -- a script for a realm of its own, whose globals and Pyodide's internals are named so */
// Evaluated last in a kernel that serves cells: takes out of the realm what boots needed, and what escapes its limits.
'use strict';
(() => {
  const { config } = globalThis.py._module.API;
  for (const name of Object.keys(config)) {
    if (typeof config[name] === 'string') config[name] = '/';
    // The snapshot itself would stay alive here.
    else if (name.startsWith('_')) delete config[name];
  }
  for (const name of Object.keys(globalThis)) if (name.startsWith('_')) delete globalThis[name];
  for (const name of ['load', 'py', 'read', 'readbuffer']) delete globalThis[name];

  // A memory that JavaScript makes is not counted by any limit.
  const { WebAssembly: wasm } = globalThis;
  for (const name of ['Memory', 'Module', 'Instance', 'Table']) {
    delete wasm[name].prototype.constructor;
  }
  const kept = {};
  for (const name of [
    'CompileError',
    'Exception',
    'Global',
    'JSTag',
    'LinkError',
    'RuntimeError',
    'SuspendError',
    'Suspending',
    'Tag',
    'promising',
  ]) {
    kept[name] = wasm[name];
  }
  globalThis.WebAssembly = Object.freeze(kept);
  // One is there, in which bytes pass to the host: whoever patches what works on it must not make more of its kind.
  delete SharedArrayBuffer.prototype.constructor;
  delete SharedArrayBuffer.prototype.slice;
  delete globalThis.SharedArrayBuffer;
  // What it calls runs when no limit of time is set.
  delete FinalizationRegistry.prototype.constructor;
  delete globalThis.FinalizationRegistry;
  // Nor are resizable buffers: none can be made.
  const RealBuffer = ArrayBuffer;
  const FixedBuffer = function ArrayBuffer(length) {
    return Reflect.construct(RealBuffer, [length], new.target ?? RealBuffer);
  };
  FixedBuffer.prototype = RealBuffer.prototype;
  FixedBuffer.isView = (value) => RealBuffer.isView(value);
  Object.defineProperty(FixedBuffer, Symbol.species, { get: () => FixedBuffer });
  RealBuffer.prototype.constructor = FixedBuffer;
  globalThis.ArrayBuffer = FixedBuffer;

  const nothing = () => {};
  globalThis.console = Object.freeze({
    log: nothing,
    warn: nothing,
    error: nothing,
    debug: nothing,
    info: nothing,
  });
})();
