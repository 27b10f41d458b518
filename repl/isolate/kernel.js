/* oxlint-disable no-underscore-dangle, unicorn/consistent-function-scoping, typescript/no-floating-promises, unicorn/no-thenable -- a script for a realm of its own, whose globals and Pyodide's internals are named so */
// Evaluated once in a booted isolate, then sealed: returns the only functions that the host may call. They are held by
// the host alone; nothing of it stays reachable in the realm.
// K1  An entry returns only when its microtasks have been drained: then no stack can go on (the host runs a second entry to look).
// K2  Python holds no JavaScript object but those that `bridge.py` captured at boot.
// K3  What leaves here is untrusted: the host parses and caps it.
'use strict';
(() => {
  const env = globalThis._env;
  const python = globalThis.py;
  const module = python._module;
  const { FS } = module;
  const exports = env.captured.instance.exports;
  const memory = exports.memory;
  const table = exports.__indirect_function_table;
  const scanner = new WebAssembly.Instance(new WebAssembly.Module(globalThis._scanner), {
    kernel: { memory },
  }).exports;
  const PAGE = 4096;
  // Files ever made in a session; a node is some JavaScript objects.
  const MAX_INODE = FS.nextInode + 50_000;
  const SCAN_LIST_BYTES = 20; // 16 of hash and 4 of list entry for each page

  // Linear stack that Python may use, of 10 MB: it ends in a RecursionError before V8's stack ends. The C functions that
  // need the most of V8's stack for the least of this one (comparison) need 16 bytes to 1: see STACK_KIB in host-process.ts.
  const STACK_BYTES = 2 * 1024 * 1024;
  module.stackRestore(exports.emscripten_stack_get_end() + STACK_BYTES);

  let fatal = null;
  const describe = (error) => {
    let text = 'unknown error';
    try {
      text = String((error && error.stack) || error).slice(0, 4000);
    } catch {
      // the error belongs to the cell and may be hostile: its text is optional
    }
    return text;
  };

  // Heap beyond a cell's limit for the session itself: without it nobody could say that the limit was reached.
  const RESERVE_BYTES = 16 * 1024 * 1024;
  const MOST_HEAP_BYTES = 4294901760;
  let cellHeapBytes = MOST_HEAP_BYTES;
  const allow = (extra) => {
    module.limits.heapBytes = Math.min(MOST_HEAP_BYTES, cellHeapBytes + extra);
  };

  // ---- stacks
  let enter;
  const resolvers = new Map();
  const expected = [];
  const early = new Set();
  const gate = {
    then(resolve) {
      const id = expected.shift();
      if (early.delete(id)) resolve();
      else resolvers.set(id, resolve);
    },
  };
  const host = {
    gate,
    spawn(id) {
      Promise.resolve()
        .then(() => enter.callPromising(id))
        .then(undefined, (error) => {
          fatal ??= describe(error);
        });
    },
    expect(id) {
      expected.push(id);
    },
    wake(id) {
      const resolve = resolvers.get(id);
      if (resolve === undefined) early.add(id);
      else {
        resolvers.delete(id);
        resolve();
      }
    },
    setClock: (ms) => env.setClock(ms),
    setMonotonic: (seconds) => env.setClock(env.ORIGIN_MS + seconds * 1000),
    takeRaw: (fd) => env.takeRaw(fd),
    clock: () => env.clock(),
    headroom: (on) => allow(on ? RESERVE_BYTES : 0),
  };

  // ---- the session
  python.setStdout({ write: env.writer(1) });
  python.setStderr({ write: env.writer(2) });
  python.globals.set('_sources', globalThis._sources);
  python.globals.set('_host', host);
  python.runPython(globalThis._bootstrap);
  const session = python.globals.get('_session');
  const entries = {};
  for (const name of ['enter', 'begin', 'poll', 'deliver', 'rest', 'forget'])
    entries[name] = session[name].copy();
  enter = entries.enter;
  const textsAt = session.texts_at;
  const stdoutAt = session.stdout_at;
  const stderrAt = session.stderr_at;
  let running = false;
  session.destroy();
  python.runPython('del _session, _host, _sources');

  const scan = () => {
    const pages = memory.buffer.byteLength / PAGE;
    const missing = pages * SCAN_LIST_BYTES + 65536 - scanner.hashes.buffer.byteLength;
    if (missing > 0) scanner.grow(Math.ceil(missing / 65536));
    return { pages, count: scanner.scan(pages, pages * 16), listAt: pages * 16 };
  };

  let changed = new Uint32Array(0);
  // Freed memory is zeroed, so that no image holds it. The blocks of dlmalloc lie one behind the other from the heap's
  // base to its break; a free one keeps up to 32 bytes of links.
  const FREE_BYTES = 65536;
  const FREE_LINKS = 32;
  const IN_USE = 2;
  const zeroFreed = () => {
    const words = new Uint32Array(memory.buffer);
    const bytes = new Uint8Array(memory.buffer);
    const end = exports.sbrk(0) >>> 0;
    for (let at = exports.__heap_base.value; at + 8 <= end;) {
      const head = words[(at + 4) >>> 2];
      const size = head & ~7;
      if (size < 16 || at + size > end) return;
      if ((head & IN_USE) === 0 && size >= FREE_BYTES) bytes.fill(0, at + FREE_LINKS, at + size);
      at += size;
    }
  };

  const api = {
    /** Sets what a cell starts with. Refused while a stack is suspended. */
    prepare(clockMs, seedHex, heapCapBytes, filesCapBytes) {
      if (resolvers.size > 0) throw new Error('a stack is suspended');
      module.resetStackSwitching();
      cellHeapBytes = heapCapBytes;
      allow(0);
      running = false;
      module.limits.filesBytes = filesCapBytes;
      module.limits.nodes = MAX_INODE;
      env.seed(seedHex);
      env.startClock(clockMs);
    },
    /** Makes a str of `length` characters up to `maxChar` for the next begin or deliver; returns the address of its characters, 0 when there is no memory. */
    stage(length, maxChar) {
      allow(running ? RESERVE_BYTES : 0);
      const text = module._PyUnicode_New(length, maxChar);
      if (text === 0) {
        module._PyErr_Clear();
        return 0;
      }
      module._PyList_Append(textsAt, text);
      module._Py_DecRef(text);
      return text + (maxChar < 128 ? 20 : 28);
    },
    write(address, buffer) {
      new Uint8Array(memory.buffer).set(new Uint8Array(buffer), address);
    },
    read: (address, length) => memory.buffer.slice(address, address + length),
    begin(spec) {
      running = true;
      entries.begin(spec);
    },
    deliver(answers) {
      allow(RESERVE_BYTES);
      entries.deliver(answers);
      allow(0);
    },
    /** What the cell has written so far to stdout (1) or stderr (2), read from memory: also when Python runs no more. */
    output(fd) {
      const [, , size, , , start] = new Uint32Array(
        memory.buffer,
        fd === 1 ? stdoutAt : stderrAt,
        6,
      );
      return memory.buffer.slice(start, start + size);
    },
    /** References to JavaScript objects that Python holds. At rest they are those of the base image. */
    references: () => module._hiwire_num_refs(),
    poll: () => (fatal === null ? entries.poll() : JSON.stringify({ fatal })),
    rest() {
      if (resolvers.size > 0 || expected.length > 0) throw new Error('a stack is suspended');
      entries.rest();
      module.resetStackSwitching();
      zeroFreed();
    },
    /** After warming up: the session as new. */
    forget() {
      entries.forget();
      entries.forget.destroy();
      module.resetStackSwitching();
      env.startClock(env.ORIGIN_MS);
      zeroFreed();
      scan();
    },
    /** Numbers of the pages that changed since the last scan. */
    scan() {
      const { count, listAt } = scan();
      changed = new Uint32Array(scanner.hashes.buffer.slice(listAt, listAt + 4 * count));
      return changed.slice().buffer;
    },
    /** Content of some of them, in order. */
    pages(from, count) {
      const bytes = new Uint8Array(memory.buffer);
      const out = new Uint8Array(count * PAGE);
      for (let i = 0; i < count; i++) {
        const at = changed[from + i] * PAGE;
        out.set(bytes.subarray(at, at + PAGE), PAGE * i);
      }
      return out.buffer;
    },
    /** The heap of a kernel at its base grows to that of an image. */
    grow(heapBytes) {
      module.limits.heapBytes = Math.max(module.limits.heapBytes, heapBytes);
      if (memory.buffer.byteLength < heapBytes) module.growMemory(heapBytes);
      if (memory.buffer.byteLength !== heapBytes) {
        throw new Error('the heap does not have the size of its image');
      }
    },
    /** Writes pages [numbers] [pages]. */
    restore(count, buffer) {
      const numbers = new Uint32Array(buffer, 0, count);
      const pages = new Uint8Array(buffer, 4 * count);
      const bytes = new Uint8Array(memory.buffer);
      for (let i = 0; i < count; i++) {
        bytes.set(pages.subarray(PAGE * i, PAGE * (i + 1)), numbers[i] * PAGE);
      }
    },
    heapBytes: () => memory.buffer.byteLength,
    tableLength: () => table.length,
    saveFiles: () => globalThis._files.save(),
    loadFiles(buffer) {
      globalThis._files.load(buffer);
    },
  };

  // ---- sealing
  const files = globalThis._files(FS);
  api.saveFiles = files.save;
  api.loadFiles = files.load;
  python.runPython('import rlm.seal as _s; _s.seal(); del _s');
  const { config } = module.API;
  for (const name of Object.keys(config)) if (typeof config[name] === 'string') config[name] = '/';
  scan();
  for (const name of [
    '_asm',
    '_bootstrap',
    '_compiled',
    '_env',
    '_files',
    '_log',
    '_main',
    '_read',
    '_readBuffer',
    '_scanner',
    '_snapshot',
    '_sources',
    'load',
    'os',
    'py',
    'read',
    'readbuffer',
  ]) {
    delete globalThis[name];
  }
  const { WebAssembly: wasm } = globalThis;
  for (const name of ['Memory', 'Module', 'Instance', 'Table'])
    delete wasm[name].prototype.constructor;
  const {
    CompileError,
    Exception,
    Global,
    JSTag,
    LinkError,
    RuntimeError,
    SuspendError,
    Suspending,
    Tag,
    promising,
  } = wasm;
  globalThis.WebAssembly = Object.freeze({
    CompileError,
    Exception,
    Global,
    JSTag,
    LinkError,
    RuntimeError,
    SuspendError,
    Suspending,
    Tag,
    promising,
  });
  delete globalThis.SharedArrayBuffer;
  // Resizable buffers are not counted by the isolate's memory limit: none can be made.
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
  return api;
})();
