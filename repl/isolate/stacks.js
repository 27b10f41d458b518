/* oxlint-disable no-underscore-dangle -- a script for a realm of its own, whose globals and Pyodide's internals are named so */
// Places in linear memory for the stacks of C and of Python's frames. No place is ever shared or moved: the garbage
// collector follows the frames of suspended stacks through it.
//   slots    the first threads, from the highest on; later ones get memory from malloc
//   service  what the host calls while stacks are suspended
//   main     the cell itself: on top, so that what grows out of it meets nothing that is kept for long
// Python's own checks end most recursion inside of a place. C code without them (iterators of iterators, for instance)
// writes on below it, so the lowest bytes of each place are watched: once they are written to, the kernel is given up.
'use strict';
globalThis._stacks = (module, exports, clearMemory) => {
  const MAIN_BYTES = 2 * 1024 * 1024;
  const SERVICE_BYTES = 512 * 1024;
  const SLOT_BYTES = 120 * 1024;
  const SLOTS = 63;
  const WATCHED_BYTES = 1024;
  const bottom = exports.emscripten_stack_get_end();
  const service = { bottom: bottom + SLOTS * SLOT_BYTES, bytes: SERVICE_BYTES };
  const main = { bottom: service.bottom + SERVICE_BYTES, bytes: MAIN_BYTES };

  /** Indexes of free slots, the next one last. */
  let free = [];
  /** Those that have had a stack since they were cleared. */
  const used = new Set();
  const entering = [];
  const held = new Map();
  let overflowed = false;

  const watched = ({ bottom: start }) =>
    new Uint32Array(exports.memory.buffer, start, WATCHED_BYTES / 4);
  const watch = (place) => {
    overflowed ||= watched(place).some((word) => word !== 0);
  };

  /** Python then ends recursion inside of the place, with a RecursionError. It keeps that for each stack (a thread state). */
  const protect = ({ bottom: start, bytes }) => {
    module._PyUnstable_ThreadState_SetStackProtection(module._PyThreadState_Get(), start, bytes);
  };
  const enterPlace = (place) => module.stackRestore(place.bottom + place.bytes);
  module.enterStack = () => enterPlace(entering.shift());

  return {
    /** Before a cell: nothing is suspended. */
    reset() {
      if (held.size > 0) throw new Error('a stack is suspended');
      entering.length = 0;
      free = Array.from({ length: SLOTS }, (_, i) => i);
      overflowed = false;
    },
    /** A place for a new stack; false when there is no memory for it. */
    reserve(id) {
      let place;
      if (id === 1) place = main;
      else if (free.length > 0) {
        const slot = free.pop();
        used.add(slot);
        place = { bottom: bottom + slot * SLOT_BYTES, bytes: SLOT_BYTES, slot };
      } else {
        const block = module._malloc(SLOT_BYTES);
        if (block === 0) return false;
        place = { bottom: (block + 15) & ~15, bytes: (SLOT_BYTES - 16) & ~15, block };
      }
      watched(place).fill(0);
      held.set(id, place);
      entering.push(place);
      return true;
    },
    /** Called by the stack itself, first of all. */
    protect: (id) => protect(held.get(id)),
    release(id) {
      const place = held.get(id);
      const { slot, block } = place;
      watch(place);
      held.delete(id);
      if (slot !== undefined) free.push(slot);
      if (block !== undefined) module._free(block);
    },
    /** Runs what calls into WebAssembly while Python stacks may be suspended. */
    serve(work) {
      const pointer = module.stackSave();
      enterPlace(service);
      protect(service);
      try {
        return work();
      } finally {
        module.stackRestore(pointer);
      }
    },
    /** Whether a stack has grown out of its place since `reset`: what lies below it may be damaged. */
    overflowed() {
      for (const place of held.values()) watch(place);
      return overflowed;
    },
    /** At rest: what stacks have left behind is not part of an image. */
    clear() {
      clearMemory(service.bottom, main.bottom + MAIN_BYTES);
      for (const slot of used) {
        clearMemory(bottom + slot * SLOT_BYTES, bottom + (slot + 1) * SLOT_BYTES);
      }
      used.clear();
    },
    /** The same of all places, also of those that nothing is known to have used. */
    clearAll() {
      clearMemory(bottom, main.bottom + MAIN_BYTES);
      used.clear();
    },
  };
};
