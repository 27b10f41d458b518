/* oxlint-disable no-underscore-dangle -- a script for a realm of its own, whose globals and Pyodide's internals are named so */
// Places in linear memory for the stacks of C and of Python's frames. No place is ever shared or moved: the garbage
// collector follows the frames of suspended stacks through it.
//   main     the cell itself
//   service  what the host calls while stacks are suspended
//   slots    the first threads; later ones get memory from malloc
'use strict';
globalThis._stacks = (module, exports) => {
  const MAIN_BYTES = 2 * 1024 * 1024;
  const SERVICE_BYTES = 512 * 1024;
  const SLOT_BYTES = 120 * 1024;
  const SLOTS = 63;
  const bottom = exports.emscripten_stack_get_end();
  const main = { bottom, bytes: MAIN_BYTES };
  const service = { bottom: bottom + MAIN_BYTES, bytes: SERVICE_BYTES };
  const slotsAt = service.bottom + SERVICE_BYTES;
  const areaBytes = slotsAt + SLOTS * SLOT_BYTES - bottom;

  /** Indexes of free slots, the next one last. */
  let free = [];
  const entering = [];
  const held = new Map();

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
      free = Array.from({ length: SLOTS }, (_, i) => SLOTS - 1 - i);
    },
    /** A place for a new stack; false when there is no memory for it. */
    reserve(id) {
      let place;
      if (id === 1) place = main;
      else if (free.length > 0) {
        const slot = free.pop();
        place = { bottom: slotsAt + slot * SLOT_BYTES, bytes: SLOT_BYTES, slot };
      } else {
        const block = module._malloc(SLOT_BYTES);
        if (block === 0) return false;
        place = { bottom: (block + 15) & ~15, bytes: (SLOT_BYTES - 16) & ~15, block };
      }
      held.set(id, place);
      entering.push(place);
      return true;
    },
    /** Called by the stack itself, first of all. */
    protect: (id) => protect(held.get(id)),
    release(id) {
      const { slot, block } = held.get(id);
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
    /** At rest: what stacks have left behind is not part of an image. */
    clear() {
      new Uint8Array(exports.memory.buffer).fill(0, bottom, bottom + areaBytes);
    },
  };
};
