import { readLeb, writeLeb } from './leb128.ts';

/** Section id of memories in a WebAssembly binary. */
const MEMORY_SECTION = 5;
const HEADER_BYTES = 8;

/**
 * The same module with another maximum of its memory, in pages of 64 KiB: V8 then refuses growth beyond it, whatever
 * the program does. Throws when the module has no single memory with a maximum.
 */
export function withMemoryLimit(wasm: Uint8Array, maxPages: number): Uint8Array {
  for (let at = HEADER_BYTES; at < wasm.length;) {
    const id = wasm[at];
    const [size, body] = readLeb(wasm, at + 1);
    if (id === MEMORY_SECTION) {
      const [count, flagsAt] = readLeb(wasm, body);
      const flags = wasm[flagsAt] ?? 0;
      if (count !== 1 || (flags & 1) === 0) break;
      const [min] = readLeb(wasm, flagsAt + 1);
      const section = [1, flags, ...writeLeb(min), ...writeLeb(maxPages)];
      return Buffer.concat([
        wasm.subarray(0, at),
        Buffer.from([MEMORY_SECTION, ...writeLeb(section.length), ...section]),
        wasm.subarray(body + size),
      ]);
    }
    at = body + size;
  }
  throw new Error('the WebAssembly module has no single memory with a maximum');
}
