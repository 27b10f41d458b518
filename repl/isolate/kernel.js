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
  const pages = globalThis._pages(memory, exports);
  const PAGE = 4096;
  // Bytes pass between host and heap through this memory of both (see heap-window.ts).
  const window = new Uint8Array(globalThis._window);
  const windowWords = new Uint32Array(globalThis._window);
  const DATA = 4096;
  // Files ever made in a session; a node is some JavaScript objects.
  const MAX_INODE = FS.nextInode + 50_000;

  const places = globalThis._stacks(module, exports, pages.clear);
  // As V8 says it of its own stack.
  const STACK_OVERFLOW = 'RangeError: Maximum call stack size exceeded';

  // Heap beyond a cell's limit for the session itself: without it nobody could say that the limit was reached.
  const RESERVE_BYTES = 16 * 1024 * 1024;
  const MOST_HEAP_BYTES = 4294901760;
  let cellHeapBytes = MOST_HEAP_BYTES;
  const allow = (extra) => {
    module.limits.heapBytes = Math.min(MOST_HEAP_BYTES, cellHeapBytes + extra);
  };

  // ---- the session: Python functions by their addresses in the base image
  const addresses = JSON.parse(globalThis._places);
  const session = (name, ...args) => places.serve(() => module.callPyObject(addresses[name], args));
  stacks.bound.reserve = places.reserve;
  stacks.bound.protect = places.protect;
  stacks.bound.release = places.release;
  // The scheduler takes the reserve back before the cell's own code runs.
  stacks.bound.enter = (id) => {
    allow(RESERVE_BYTES);
    return module.callPyObjectMaybePromising(addresses.enter, [id]);
  };
  stacks.bound.headroom = (on) => allow(on ? RESERVE_BYTES : 0);
  python.setStdout({ write: env.writer(1) });
  python.setStderr({ write: env.writer(2) });
  let running = false;

  let changed = new Uint32Array(0);
  const newText = (length, maxChar) => {
    allow(running ? RESERVE_BYTES : 0);
    return places.serve(() => {
      const text = module._PyUnicode_New(length, maxChar);
      if (text === 0) {
        module._PyErr_Clear();
        return 0;
      }
      module._PyList_Append(addresses.texts, text);
      module._Py_DecRef(text);
      return text + (maxChar < 128 ? 20 : 28);
    });
  };

  // A `Document` is a subclass of str, and CPython copies the characters of those. So one of a single character is made,
  // which has the right kind, and is given memory for all (PyUnicodeObject: length 8, hash 12, UTF-8 length 20 and
  // address 24, characters 28).
  const newDocument = (length, maxChar) => {
    allow(running ? RESERVE_BYTES : 0);
    return places.serve(() => {
      const width = maxChar < 256 ? 1 : maxChar < 65536 ? 2 : 4;
      const characters = module._PyMem_Malloc((length + 1) * width);
      const sample = characters === 0 ? 0 : module._PyUnicode_New(1, maxChar);
      if (sample !== 0) {
        const at = sample + (maxChar < 128 ? 20 : 28);
        new DataView(memory.buffer).setUint32(at, width === 4 ? maxChar : maxChar & 0xffff, true);
      }
      const made = sample === 0 ? 0 : module._PyObject_CallOneArg(addresses.Document, sample);
      if (sample !== 0) module._Py_DecRef(sample);
      if (made === 0) {
        module._PyErr_Clear();
        if (characters !== 0) module._PyMem_Free(characters);
        return 0;
      }
      const words = new Uint32Array(memory.buffer, made, 8);
      module._PyMem_Free(words[7]);
      words[2] = length;
      words[3] = 0xffffffff;
      words[7] = characters;
      if (maxChar < 128) words.set([length, characters], 5);
      new Uint8Array(memory.buffer).fill(
        0,
        characters + length * width,
        characters + (length + 1) * width,
      );
      module._PyList_Append(addresses.texts, made);
      module._Py_DecRef(made);
      return characters;
    });
  };

  const { restFiles, saveFiles, loadFiles } = globalThis._files(FS);
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
    /** Makes a str, or a `Document`, of `length` characters up to `maxChar` for the next begin or deliver; returns the address of its characters, 0 when there is no memory. */
    stage: (length, maxChar, document) =>
      document === 1 ? newDocument(length, maxChar) : newText(length, maxChar),
    /** The same for texts in the window, each [length, maxChar, bytes] and its characters, on words; returns how many found memory. */
    stageAll(count) {
      for (let i = 0, at = 0; i < count; i++) {
        const [length, maxChar, size] = windowWords.subarray(at >> 2);
        const address = newText(length, maxChar);
        if (address === 0) return i;
        at += 12;
        new Uint8Array(memory.buffer).set(window.subarray(at, at + size), address);
        at += (size + 3) & ~3;
      }
      return count;
    },
    write(address, length) {
      new Uint8Array(memory.buffer).set(window.subarray(0, length), address);
    },
    /** Returns how many bytes there were. */
    read(address, length) {
      const part = new Uint8Array(memory.buffer, 0).subarray(address, address + length);
      window.set(part);
      return part.length;
    },
    /** Reads places given in the window as [address, length], one behind the other; returns how many bytes there were. */
    gather(count) {
      const bytes = new Uint8Array(memory.buffer);
      let at = DATA;
      for (let i = 0; i < count; i++) {
        const start = windowWords[2 * i];
        const part = bytes.subarray(start, start + windowWords[2 * i + 1]);
        window.set(part, at);
        at += part.length;
      }
      return at - DATA;
    },
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
        fd === 1 ? addresses.stdout : addresses.stderr,
        6,
      );
      return memory.buffer.slice(start, start + size);
    },
    /** References to JavaScript objects that Python holds. At rest they are those of the base image. */
    references: () => module._hiwire_num_refs(),
    poll() {
      // Python is not asked any more by then.
      if (places.overflowed()) return JSON.stringify({ fatal: STACK_OVERFLOW });
      const fatal = stacks.fatal();
      if (fatal !== null) return JSON.stringify({ fatal });
      allow(RESERVE_BYTES);
      const report = session('poll');
      allow(0);
      return report;
    },
    /**
     * After an outcome was read. Returns the size of the heap in 64 KiB, the length of the function table, the number of
     * references to JavaScript objects that Python holds, and then the numbers of the pages that changed since the last
     * scan.
     */
    rest() {
      if (stacks.suspended()) throw new Error('a stack is suspended');
      session('rest');
      restFiles();
      places.clear();
      changed = pages.changedAtRest();
      const said = new Uint32Array(3 + changed.length);
      said.set([memory.buffer.byteLength / 65536, table.length, module._hiwire_num_refs()]);
      said.set(changed, 3);
      return said.buffer;
    },
    /** When a base image is built, after warming up: the session as new. */
    forget() {
      session('forget');
      places.clearAll();
      pages.zeroFreed();
    },
    /** In every kernel, after its start-up snapshot was loaded: the base image. */
    settle() {
      session('settle');
      places.clearAll();
      env.startClock(env.ORIGIN_MS);
      pages.zeroFreed();
      pages.changed();
    },
    /** Numbers of the pages that changed since the last scan. */
    scan() {
      changed = pages.changed();
      return changed.slice().buffer;
    },
    /** Content of some of them, in order. */
    pages(from, count) {
      const bytes = new Uint8Array(memory.buffer);
      for (let i = 0; i < count; i++) {
        const at = changed[from + i] * PAGE;
        window.set(bytes.subarray(at, at + PAGE), DATA + PAGE * i);
      }
    },
    /**
     * The heap of a kernel at its base grows to that of an image. Memory that will be written to is touched, so that
     * whoever unpacks the image meanwhile does not wait for that.
     */
    grow(heapBytes, isFull) {
      module.limits.heapBytes = Math.max(module.limits.heapBytes, heapBytes);
      const before = memory.buffer.byteLength;
      if (before < heapBytes) module.growMemory(heapBytes);
      if (memory.buffer.byteLength !== heapBytes) {
        throw new Error('the heap does not have the size of its image');
      }
      pages.zero(before / PAGE, heapBytes / PAGE);
      if (!isFull) return;
      const bytes = new Uint8Array(memory.buffer);
      for (let at = before; at < heapBytes; at += PAGE) bytes[at] = 0;
    },
    /** Writes pages: their numbers, then their content. They are no changes that a scan would find. */
    restore(count) {
      const bytes = new Uint8Array(memory.buffer);
      for (let i = 0; i < count;) {
        const page = windowWords[i];
        let run = 1;
        while (i + run < count && windowWords[i + run] === page + run) run++;
        const from = DATA + PAGE * i;
        bytes.set(window.subarray(from, from + PAGE * run), page * PAGE);
        pages.known(page, page + run);
        i += run;
      }
    },
    /** Nor is what was written there. */
    restored(page, count) {
      pages.known(page, page + count);
    },
    heapBytes: () => memory.buffer.byteLength,
    tableLength: () => table.length,
    saveFiles,
    loadFiles,
  };
  return api;
})();
