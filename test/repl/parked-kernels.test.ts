import { describe, expect, test } from '@jest/globals';
import type { Kernel } from '../../repl/host/kernel.ts';
import { ParkedKernels } from '../../repl/host/parked-kernels.ts';

// Scope: which kernels are kept, who gets one, and which goes first. Kernels are stand-ins that have a size and may end.

const disposed: string[] = [];

/** Of 60 MiB with what it needs beside its heap: three of them fit into 200. */
function kernel(name: string, heapMiB = 20): Kernel {
  const standIn = { heapBytes: heapMiB * 2 ** 20, dispose: () => void disposed.push(name) };
  // A parked kernel is asked for nothing else.
  return standIn as unknown as Kernel;
}

function parkedAt(limitMiB: number): ParkedKernels {
  disposed.length = 0;
  return new ParkedKernels(limitMiB);
}

describe('kernels that wait', () => {
  test('are handed out once, under exactly their key', () => {
    const parked = parkedAt(200);
    const one = kernel('one');
    parked.put('a', one);
    expect(parked.take('b')).toBeUndefined();
    expect(parked.take('a')).toBe(one);
    expect(parked.take('a')).toBeUndefined();
    expect(disposed).toEqual([]);
  });

  test('make room in the order in which they were parked last', () => {
    const parked = parkedAt(200);
    for (const name of ['a', 'b', 'c']) parked.put(name, kernel(name));
    // Taken and parked again: now it is the newest.
    const again = parked.take('a');
    if (again !== undefined) parked.put('a', again);
    expect(parked.put('d', kernel('d'))).toBe(true);
    expect(disposed).toEqual(['b']);
    parked.put('e', kernel('e'));
    expect(disposed).toEqual(['b', 'c']);
    expect(parked.take('a')).toBe(again);
  });

  test('of a key that is parked again is the new one; the old one ends', () => {
    const parked = parkedAt(200);
    const second = kernel('second');
    parked.put('a', kernel('first'));
    parked.put('a', second);
    expect(disposed).toEqual(['first']);
    expect(parked.take('a')).toBe(second);
  });

  test('that do not fit by themselves are not kept, and say so', () => {
    const parked = parkedAt(200);
    parked.put('small', kernel('small'));
    expect(parked.put('huge', kernel('huge', 500))).toBe(false);
    expect(disposed).toEqual(['small', 'huge']);
    expect(parked.take('huge')).toBeUndefined();
  });

  test('go when less memory is left for them', () => {
    const parked = parkedAt(200);
    for (const name of ['a', 'b', 'c']) parked.put(name, kernel(name));
    expect(parked.limitTo(130)).toBe(120);
    expect(disposed).toEqual(['a']);
    expect(parked.limitTo(0)).toBe(0);
    expect(disposed).toEqual(['a', 'b', 'c']);
  });
});
