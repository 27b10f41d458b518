import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import wabt from 'wabt';

test('the committed scanner is its source, compiled', async () => {
  const source = readFileSync(new URL('../../repl/scan.wat', import.meta.url), 'utf8');
  const compiler = await wabt();
  const features = { simd: true, multi_memory: true };
  const { buffer } = compiler.parseWat('scan.wat', source, features).toBinary({});
  const committed = readFileSync(new URL('../../repl/scan.wasm', import.meta.url));
  expect(Buffer.from(buffer).equals(committed)).toBe(true);
});
