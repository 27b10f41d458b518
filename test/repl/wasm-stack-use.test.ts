import { expect, test } from '@jest/globals';
import { withStackUse } from '../../repl/host/wasm-stack-use.ts';

/**
 * (import "host" "look" (func (param i32))); a mutable global, its stack pointer, at 1000; `descend` calls itself n times
 * and tells the host the pointer at each step.
 */
const section = (id: number, ...parts: string[]): Buffer => {
  const content = Buffer.from(parts.join('').replaceAll(' ', ''), 'hex');
  return Buffer.concat([Buffer.from([id, content.length]), content]);
};
const text = (value: string): string =>
  Buffer.from([value.length, ...Buffer.from(value)]).toString('hex');
const LOOK = '23 00 10 00';
const RETURN_IF_ZERO = '20 00 45 04 40 0f 0b';
const DESCEND_BY_ONE = '20 00 41 01 6b 10 01';
const MODULE = Buffer.concat([
  Buffer.from('0061736d01000000', 'hex'),
  section(1, '01 60 01 7f 00'),
  section(2, '01', text('host'), text('look'), '00 00'),
  section(3, '01 00'),
  section(6, '01 7f 01 41 e8 07 0b'),
  section(7, '02', text('descend'), '00 01', text('__stack_pointer'), '03 00'),
  section(10, '01 14 00', LOOK, RETURN_IF_ZERO, DESCEND_BY_ONE, '0b'),
]);

/** What the types of Node leave out. */
interface Engine {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: Record<string, unknown> };
}
const { WebAssembly: engine } = globalThis as unknown as { WebAssembly: Engine };

function pointers(wasm: Uint8Array): number[] {
  const seen: number[] = [];
  const look = (pointer: number): void => void seen.push(pointer);
  const { exports } = new engine.Instance(new engine.Module(wasm), { host: { look } });
  (exports['descend'] as (n: number) => void)(3);
  return [...seen, (exports['__stack_pointer'] as { value: number }).value];
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
