/* oxlint-disable no-underscore-dangle, unicorn/consistent-function-scoping -- a script for a realm of its own, whose globals are named so */
// Which pages of the heap changed (scan.wat keeps a hash of each), and no freed memory in them.
'use strict';
globalThis._pages = (memory, exports) => {
  const scanner = new WebAssembly.Instance(new WebAssembly.Module(globalThis._scanner), {
    kernel: { memory },
  }).exports;
  const PAGE = 4096;
  const LIST_BYTES = 20; // 16 of hash and 4 of list entry for each page
  // Found by a look at some pages, until the next look at all.
  const found = new Set();

  // Brings the hashes of pages up to date; returns those that had changed. The scanner's own memory grows with the heap.
  const look = (from, to) => {
    const all = memory.buffer.byteLength / PAGE;
    const missing = all * LIST_BYTES + 65536 - scanner.hashes.buffer.byteLength;
    if (missing > 0) scanner.grow(Math.ceil(missing / 65536));
    const listAt = all * 16;
    return new Uint32Array(scanner.hashes.buffer, listAt, scanner.scan(from, to, listAt));
  };

  // The blocks of dlmalloc lie one behind the other from the heap's base to its break; a free one keeps up to 32 bytes
  // of links.
  const FREE_BYTES = 65536;
  const FREE_LINKS = 32;
  const IN_USE = 2;
  let zeroHash = null;
  const same = (a, i, b, j) => {
    for (let k = 0; k < 4; k++) if (a[4 * i + k] !== b[4 * j + k]) return false;
    return true;
  };
  // A page that is zero already is only read: writing to it would cost memory that a restored heap does not have yet.
  const fill = (bytes, from, to) => {
    const first = Math.ceil(from / PAGE);
    const last = Math.floor(to / PAGE);
    bytes.fill(0, from, first * PAGE);
    bytes.fill(0, last * PAGE, to);
    look(first, first);
    const hashes = new Uint32Array(scanner.hashes.buffer);
    const before = hashes.slice(4 * first, 4 * last);
    look(first, last);
    for (let page = first; page < last; page++) {
      if (zeroHash === null || !same(hashes, page, zeroHash, 0)) {
        bytes.fill(0, page * PAGE, (page + 1) * PAGE);
        look(page, page + 1);
        zeroHash ??= hashes.slice(4 * page, 4 * page + 4);
      }
      if (!same(hashes, page, before, page - first)) found.add(page);
    }
  };

  return {
    /** Numbers of the pages that changed since the last call, in order. */
    changed() {
      for (const page of look(0, memory.buffer.byteLength / PAGE)) found.add(page);
      const numbers = Uint32Array.from(found).toSorted();
      found.clear();
      return numbers;
    },
    /** What pages hold now is no change. */
    known: look,
    /** Pages that the heap has just grown by are zero: known without reading them. */
    zero(from, to) {
      if (from === to) return;
      look(from, from + 1);
      const hashes = new Uint32Array(scanner.hashes.buffer);
      zeroHash ??= hashes.slice(4 * from, 4 * from + 4);
      for (let page = from + 1; page < to; page++) hashes.set(zeroHash, 4 * page);
    },
    /** Freed memory is zeroed, so that no image holds it. */
    zeroFreed() {
      const words = new Uint32Array(memory.buffer);
      const bytes = new Uint8Array(memory.buffer);
      const end = exports.sbrk(0) >>> 0;
      for (let at = exports.__heap_base.value; at + 8 <= end;) {
        const head = words[(at + 4) >>> 2];
        const size = head & ~7;
        if (size < 16 || at + size > end) return;
        if ((head & IN_USE) === 0 && size >= FREE_BYTES) fill(bytes, at + FREE_LINKS, at + size);
        at += size;
      }
    },
  };
};
