/* oxlint-disable no-underscore-dangle, unicorn/consistent-function-scoping -- a script for a realm of its own, whose globals are named so */
// Which pages of the heap changed (scan.wat keeps a hash of each), and no freed memory in them.
'use strict';
globalThis._pages = (memory, exports) => {
  const scanner = new WebAssembly.Instance(new WebAssembly.Module(globalThis._scanner), {
    kernel: { memory },
  }).exports;
  const PAGE = 4096;
  const LIST_BYTES = 20; // 16 of hash and 4 of list entry for each page
  const ROW_BYTES = 12;
  // Found by a look at some pages, until the next look at all.
  const found = new Set();

  // Where the scanner writes its lists, behind the hashes. Its memories grow with the heap.
  const makeRoom = () => {
    const all = memory.buffer.byteLength / PAGE;
    const missing = all * LIST_BYTES + 65536 - scanner.hashes.buffer.byteLength;
    if (missing > 0) scanner.grow(Math.ceil(missing / 65536));
    const rows = all * ROW_BYTES - scanner.rows.buffer.byteLength;
    if (rows > 0) scanner.growRows(Math.ceil(rows / 65536));
    return all * 16;
  };
  // Brings the hashes of pages up to date; returns those that had changed.
  const look = (from, to) => {
    const listAt = makeRoom();
    return new Uint32Array(scanner.hashes.buffer, listAt, scanner.scan(from, to, listAt));
  };

  // The blocks of dlmalloc reach from the heap's base to its break; a free one keeps up to 32 bytes of links.
  const FREE_BYTES = 65536;
  const FREE_LINKS = 32;
  let zeroHash = null;
  const same = (a, i, b, j) => {
    for (let k = 0; k < 4; k++) if (a[4 * i + k] !== b[4 * j + k]) return false;
    return true;
  };
  const hashesOf = (first, last) => {
    makeRoom();
    return new Uint32Array(scanner.hashes.buffer).slice(4 * first, 4 * last);
  };
  // `before`: hashes from the page `base` on, as the last scan left them. A page that is zero already is only read:
  // writing to it would cost memory that a restored heap does not have yet.
  const clear = (from, to, before, base) => {
    const bytes = new Uint8Array(memory.buffer);
    const hashes = new Uint32Array(scanner.hashes.buffer);
    const last = Math.ceil(to / PAGE);
    for (let page = Math.floor(from / PAGE); page < last; page++) {
      const start = Math.max(from, page * PAGE);
      const end = Math.min(to, (page + 1) * PAGE);
      const isWhole = end - start === PAGE;
      if (!isWhole || zeroHash === null || !same(hashes, page, zeroHash, 0)) {
        bytes.fill(0, start, end);
        look(page, page + 1);
        if (isWhole) zeroHash ??= hashes.slice(4 * page, 4 * page + 4);
      }
      if (same(hashes, page, before, page - base)) found.delete(page);
      else found.add(page);
    }
  };
  const lookAtAll = () => {
    for (const page of look(0, memory.buffer.byteLength / PAGE)) found.add(page);
  };
  const take = () => {
    const numbers = Uint32Array.from(found).toSorted();
    found.clear();
    return numbers;
  };
  const zeroFreed = () => {
    const end = Math.min(exports.sbrk(0) >>> 0, memory.buffer.byteLength);
    const before = hashesOf(0, memory.buffer.byteLength / PAGE);
    const earlier = [...found];
    lookAtAll();
    const listAt = makeRoom();
    const count = scanner.free(exports.__heap_base.value, end, FREE_BYTES, listAt);
    const blocks = new Uint32Array(scanner.hashes.buffer, listAt, 2 * count).slice();
    for (let i = 0; i < blocks.length; i += 2) {
      clear(blocks[i] + FREE_LINKS, blocks[i] + blocks[i + 1], before, 0);
    }
    // What an earlier look had found does not show in the hashes any more.
    for (const page of earlier) found.add(page);
  };

  return {
    /** Numbers of the pages that changed since the last call, in order. */
    changed() {
      lookAtAll();
      return take();
    },
    /** The same at rest. Freed memory is zeroed, so that no image holds it. */
    changedAtRest() {
      zeroFreed();
      return take();
    },
    zeroFreed,
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
    /** Memory of which nothing is to be in an image. */
    clear(from, to) {
      const [first, last] = [Math.floor(from / PAGE), Math.ceil(to / PAGE)];
      const before = hashesOf(first, last);
      const earlier = [...found];
      look(first, last);
      clear(from, to, before, first);
      for (const page of earlier) found.add(page);
    },
  };
};
