import { describe, expect, test } from '@jest/globals';
import { caps } from '../../protocol/index.ts';
import { digestOf, memoryStore, readWheel, uploadPackages } from '../../store/index.ts';
import { makeWheel } from '../support/wheel.ts';

const PURE_ONLY = 'only pure-Python wheels (…-none-any.whl) can be used';
const greet = makeWheel('greet-1.2-py3-none-any.whl', {
  'greet/__init__.py': '',
  'greet/words.json': '{}',
  'single.py': '',
  'space/inner/deep.py': '',
  'greet-1.2.data/purelib/moved.py': '',
  'greet-1.2.data/scripts/run.py': '',
});

async function problemOf({ file, bytes }: { file: string; bytes: Uint8Array }): Promise<string> {
  try {
    await readWheel(file, bytes);
  } catch (error) {
    return String(error);
  }
  return 'none';
}

describe('a wheel', () => {
  test('says what it is and what can be imported', async () => {
    expect(await readWheel(greet.file, greet.bytes)).toEqual({
      name: 'greet',
      version: '1.2',
      modules: ['greet', 'single', 'space', 'moved'],
    });
  });

  test('is stored as it is, under the digest that an index lists', async () => {
    const store = memoryStore();
    const [ref] = await uploadPackages(store, [greet]);
    expect(ref).toEqual({
      file: greet.file,
      blob: { digest: digestOf(greet.bytes), sizeBytes: greet.bytes.length },
    });
    expect(await store.blobs.get(ref?.blob.digest ?? '')).toEqual(greet.bytes);
  });

  test.each<[string, { file: string; bytes: Uint8Array }, string]>([
    [
      'built for a machine',
      makeWheel('fast-1-cp314-cp314-manylinux_2_17_x86_64.whl', {}),
      `fast-1-cp314-cp314-manylinux_2_17_x86_64.whl holds native code, by its name for cp314-manylinux_2_17_x86_64: ${PURE_ONLY}`,
    ],
    [
      'with a library in it, whatever its name says',
      makeWheel('fast-1-py3-none-any.whl', { 'fast/_core.abi3.so': 'ELF' }),
      `fast-1-py3-none-any.whl holds native code (fast/_core.abi3.so): ${PURE_ONLY}`,
    ],
    [
      'with a library of a version',
      makeWheel('fast-1-py3-none-any.whl', { 'fast.libs/libx.so.6.1': 'ELF' }),
      `fast-1-py3-none-any.whl holds native code (fast.libs/libx.so.6.1): ${PURE_ONLY}`,
    ],
    [
      'that is not pure, as it says',
      makeWheel('fast-1-py3-none-any.whl', { 'fast.py': '' }, { pure: false }),
      `fast-1-py3-none-any.whl holds native code, as its WHEEL file says: ${PURE_ONLY}`,
    ],
    [
      'of another Python',
      makeWheel('old-1-py2-none-any.whl', {}),
      'old-1-py2-none-any.whl is for py2: the REPL is Python 3',
    ],
    [
      'without the form of a name',
      { file: 'greet.zip', bytes: greet.bytes },
      '"greet.zip" is no name of a wheel: expected name-version-py3-none-any.whl',
    ],
    [
      'that is no archive',
      { file: greet.file, bytes: Buffer.from('no archive, but text as long as the end of one') },
      `${greet.file} is no wheel: End of central directory record signature not found. Either not a zip file, or file is truncated.`,
    ],
    [
      'cut short',
      { file: greet.file, bytes: greet.bytes.subarray(0, 200) },
      `${greet.file} is no wheel: End of central directory record signature not found. Either not a zip file, or file is truncated.`,
    ],
    [
      'without a WHEEL file',
      makeWheel('bare-1-py3-none-any.whl', { 'bare.py': '' }, { info: false }),
      'bare-1-py3-none-any.whl is no wheel: it has no WHEEL file',
    ],
    [
      'that leaves its folder',
      makeWheel('bad-1-py3-none-any.whl', { '../bad.py': '' }),
      'bad-1-py3-none-any.whl is no wheel: invalid relative path: ../bad.py',
    ],
    [
      'that is too large',
      { file: greet.file, bytes: new Uint8Array(caps.WHEEL_BYTES + 1) },
      `${greet.file} has ${caps.WHEEL_BYTES + 1} bytes, a wheel may have ${caps.WHEEL_BYTES}`,
    ],
  ])('%s is refused by name', async (_, wheel, problem) => {
    expect(await problemOf(wheel)).toBe(`InvalidInput: ${problem}`);
  });

  test('that unpacks to too much is refused without unpacking it', async () => {
    const bomb = makeWheel('bomb-1-py3-none-any.whl', { 'bomb.py': 'x' });
    // The size that the archive's directory tells of its first file.
    const entry = bomb.bytes.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    bomb.bytes.writeUInt32LE(caps.WHEEL_FILES_BYTES + 1, entry + 24);
    expect(await problemOf(bomb)).toBe(
      `InvalidInput: bomb-1-py3-none-any.whl unpacks to more than ${caps.WHEEL_FILES_BYTES} bytes, which is the most that a wheel may have`,
    );
  });

  test('given twice, in whatever spelling and version, is refused, and nothing is stored', async () => {
    const store = memoryStore();
    const again = makeWheel('Greet-2-py3-none-any.whl', { 'greet.py': '' });
    await expect(uploadPackages(store, [greet, again])).rejects.toThrow(
      'greet-1.2-py3-none-any.whl and Greet-2-py3-none-any.whl are one package, twice',
    );
    expect(await store.blobs.has(digestOf(greet.bytes))).toBe(false);
  });
});
