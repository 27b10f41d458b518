import { expect, test } from '@jest/globals';
import { withStackUse } from '../../repl/host/wasm-stack-use.ts';

/**
 * (import "host" "look" (func (param i32))); a mutable global, its stack pointer, at 1000; `descend` calls itself n times
 * and tells the host the pointer at each step.
 */
const section = (id: number, content: number[]): number[] => [id, content.length, ...content];
const text = (value: string): number[] => [value.length, ...Buffer.from(value)];
const MODULE = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [1, 0x60, 1, 0x7f, 0]),
  ...section(2, [1, ...text('host'), ...text('look'), 0, 0]),
  ...section(3, [1, 0]),
  ...section(6, [1, 0x7f, 1, 0x41, 0xe8, 0x07, 0x0b]),
  ...section(7, [2, ...text('descend'), 0, 1, ...text('__stack_pointer'), 3, 0]),
  ...section(10, [
    ...[1, 20, 0],
    // look(pointer)
    ...[0x23, 0, 0x10, 0],
    // if (!n) return
    ...[0x20, 0, 0x45, 0x04, 0x40, 0x0f, 0x0b],
    // descend(n - 1)
    ...[0x20, 0, 0x41, 1, 0x6b, 0x10, 1],
    0x0b,
  ]),
]);

/** What the types of Node leave out. */
interface Engine {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (
    module: object,
    imports: object,
  ) => { exports: { descend: (n: number) => void; __stack_pointer: { value: number } } };
}
const { WebAssembly: engine } = globalThis as unknown as { WebAssembly: Engine };

function pointers(wasm: Uint8Array): number[] {
  const seen: number[] = [];
  const look = (pointer: number): void => void seen.push(pointer);
  const { exports } = new engine.Instance(new engine.Module(wasm), { host: { look } });
  exports.descend(3);
  return [...seen, exports.__stack_pointer.value];
}

test('each activation takes its bytes, and gives them back by whatever way it returns', () => {
  expect(pointers(MODULE)).toEqual([1000, 1000, 1000, 1000, 1000]);
  expect(pointers(withStackUse(MODULE, 'descend', 32))).toEqual([968, 936, 904, 872, 1000]);
});

test('a function that is not there is an error, and so is a size that the stack cannot keep', () => {
  expect(() => withStackUse(MODULE, 'ascend', 32)).toThrow(
    new Error('the WebAssembly module does not export ascend and its stack pointer'),
  );
  expect(() => withStackUse(MODULE, 'descend', 40)).toThrow(new RangeError('cannot take 40 bytes'));
});
