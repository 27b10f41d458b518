/* oxlint-disable no-underscore-dangle, unicorn/consistent-function-scoping -- a script for a realm of its own, whose globals and Pyodide's internals are named so */
// Evaluated once in a booted isolate: returns the only functions that the host may call. They are held by the host alone;
// seal.js then leaves nothing of it reachable in the realm.
// K1  An entry returns only when its microtasks have been drained: then no stack can go on (the host runs a second entry to look).
// K2  Python holds no JavaScript object but those of switch.js.
// K3  What leaves here is untrusted: the host parses and caps it.
'use strict';
(() => {
  const env = globalThis._env;
  const stacks = globalThis._switch;
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
  const SCAN_LIST_BYTES = 20; // 16 of hash and 4 of list entry for each page
  // Files ever made in a session; a node is some JavaScript objects.
  const MAX_INODE = FS.nextInode + 50_000;

  const places = globalThis._stacks(module, exports);

  // Heap beyond a cell's limit for the session itself: without it nobody could say that the limit was reached.
  const RESERVE_BYTES = 16 * 1024 * 1024;
  const MOST_HEAP_BYTES = 4294901760;
  let cellHeapBytes = MOST_HEAP_BYTES;
  const allow = (extra) => {
    module.limits.heapBytes = Math.min(MOST_HEAP_BYTES, cellHeapBytes + extra);
  };

  // ---- the session: Python functions by their addresses in the base image
  const at = JSON.parse(globalThis._places);
  const session = (name, ...args) => places.serve(() => module.callPyObject(at[name], args));
  stacks.bound.reserve = places.reserve;
  stacks.bound.protect = places.protect;
  stacks.bound.release = places.release;
  stacks.bound.enter = (id) => module.callPyObjectMaybePromising(at.enter, [id]);
  stacks.bound.headroom = (on) => allow(on ? RESERVE_BYTES : 0);
  python.setStdout({ write: env.writer(1) });
  python.setStderr({ write: env.writer(2) });
  let running = false;

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
      if (stacks.suspended()) throw new Error('a stack is suspended');
      places.reset();
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
      return places.serve(() => {
        const text = module._PyUnicode_New(length, maxChar);
        if (text === 0) {
          module._PyErr_Clear();
          return 0;
        }
        module._PyList_Append(at.texts, text);
        module._Py_DecRef(text);
        return text + (maxChar < 128 ? 20 : 28);
      });
    },
    write(address, buffer) {
      new Uint8Array(memory.buffer).set(new Uint8Array(buffer), address);
    },
    read: (address, length) => memory.buffer.slice(address, address + length),
    begin(spec) {
      running = true;
      session('begin', spec);
    },
    deliver(answers) {
      allow(RESERVE_BYTES);
      session('deliver', answers);
      allow(0);
    },
    /** What the cell has written so far to stdout (1) or stderr (2), read from memory: also when Python runs no more. */
    output(fd) {
      const [, , size, , , start] = new Uint32Array(
        memory.buffer,
        fd === 1 ? at.stdout : at.stderr,
        6,
      );
      return memory.buffer.slice(start, start + size);
    },
    /** References to JavaScript objects that Python holds. At rest they are those of the base image. */
    references: () => module._hiwire_num_refs(),
    poll() {
      const fatal = stacks.fatal();
      return fatal === null ? session('poll') : JSON.stringify({ fatal });
    },
    rest() {
      if (stacks.suspended()) throw new Error('a stack is suspended');
      session('rest');
      places.clear();
      zeroFreed();
    },
    /** When a base image is built, after warming up: the session as new. */
    forget() {
      session('forget');
      places.clear();
      zeroFreed();
    },
    /** In every kernel, after its start-up snapshot was loaded: the base image. */
    settle() {
      session('settle');
      places.clear();
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
    ...globalThis._files(FS),
  };
  return api;
})();
