import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

// Scope: the scanner's walk through malloc's blocks, which passes over pages that have not changed.

const PAGE = 4096;
const PAGES = 64;
const LIST_AT = PAGES * 16;
const BASE = 1024;
const END = PAGES * PAGE - 40;
const LEAST = 8192;
const IN_USE = 2;

interface Memory {
  buffer: ArrayBuffer;
}

interface Scanner {
  hashes: Memory;
  scan(page: number, pages: number, list: number): number;
  free(at: number, end: number, least: number, list: number): number;
}

/** What is used here of the engine's global. */
declare const WebAssembly: {
  Memory: new (size: { initial: number }) => Memory;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: Scanner };
};

interface Block {
  size: number;
  used: boolean;
}

class Heap {
  readonly memory = new WebAssembly.Memory({ initial: (PAGES * PAGE) / 65536 });
  readonly #scanner: Scanner;

  constructor() {
    const module = new WebAssembly.Module(
      readFileSync(new URL('../../repl/scan.wasm', import.meta.url)),
    );
    const instance = new WebAssembly.Instance(module, { kernel: { memory: this.memory } });
    this.#scanner = instance.exports;
  }

  /** Lays the blocks one behind the other, and leaves what lies between their heads. */
  lay(blocks: readonly Block[]): void {
    const words = new Uint32Array(this.memory.buffer);
    let at = BASE;
    for (const { size, used } of blocks) {
      words[at / 4 + 1] = size | (used ? IN_USE : 0);
      at += size;
    }
  }

  free(): Array<[at: number, size: number]> {
    this.#scanner.scan(0, PAGES, LIST_AT);
    const count = this.#scanner.free(BASE, END, LEAST, LIST_AT);
    const list = new Uint32Array(this.#scanner.hashes.buffer, LIST_AT, 2 * count);
    return Array.from({ length: count }, (_, i) => [list[2 * i] ?? 0, list[2 * i + 1] ?? 0]);
  }
}

function large(blocks: readonly Block[]): Array<[at: number, size: number]> {
  const found: Array<[at: number, size: number]> = [];
  let at = BASE;
  for (const { size, used } of blocks) {
    if (!used && size >= LEAST) found.push([at, size]);
    at += size;
  }
  return found;
}

function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Blocks that fill the heap, small ones more often. */
function filling(next: (below: number) => number): Block[] {
  const blocks: Block[] = [];
  for (let left = END - BASE; left > 0;) {
    const wanted = 16 + 8 * next(next(4) === 0 ? 4000 : 40);
    const size = left - wanted < 32 ? left : wanted;
    blocks.push({ size, used: next(2) === 0 });
    left -= size;
  }
  return blocks;
}

/** What malloc does next to some place: frees, takes, splits or joins. */
function change(blocks: Block[], next: (below: number) => number): void {
  const at = next(blocks.length);
  const block = blocks[at];
  const following = blocks[at + 1];
  if (block === undefined) return;
  const way = next(3);
  if (way === 0) block.used = !block.used;
  else if (way === 1 && block.size >= 64) {
    const size = 16 + 8 * next((block.size - 32) / 8);
    blocks.splice(
      at,
      1,
      { size, used: block.used },
      { size: block.size - size, used: !block.used },
    );
  } else if (following !== undefined) {
    blocks.splice(at, 2, { size: block.size + following.size, used: block.used });
  }
}

describe('free blocks of a heap', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'are found by each walk, whatever changed since the last one: seed %d',
    (seed) => {
      const next = random(seed);
      const heap = new Heap();
      const blocks = filling(next);
      let found = 0;
      for (let round = 0; round < 200; round += 1) {
        heap.lay(blocks);
        const expected = large(blocks);
        expect(heap.free()).toEqual(expected);
        // Nothing changed: all of it is passed over.
        expect(heap.free()).toEqual(expected);
        found += expected.length;
        for (let i = next(6); i >= 0; i -= 1) change(blocks, next);
      }
      expect(found).toBeGreaterThan(200);
    },
  );

  test('end where a size makes no sense, and go on when it is mended', () => {
    const heap = new Heap();
    const blocks = Array.from({ length: 20 }, () => ({ size: 12_000, used: false }));
    heap.lay(blocks);
    const words = new Uint32Array(heap.memory.buffer);
    const head = (BASE + 10 * 12_000) / 4 + 1;
    for (const size of [0, 8, 0xffff_fff8]) {
      words[head] = size;
      expect(heap.free()).toEqual(large(blocks).slice(0, 10));
    }
    words[head] = 12_000;
    expect(heap.free()).toEqual(large(blocks));
  });
});
