import { describe, expect, test } from '@jest/globals';
import { CallWindow } from '../../workflows/call-window.ts';

/** Tasks that end when told to. */
function controlled(window: CallWindow): {
  started: number[];
  end: (n: number) => Promise<void>;
  add: (n: number) => void;
} {
  const started: number[] = [];
  const ends = new Map<number, () => void>();
  return {
    started,
    add: (n) =>
      window.add(() => {
        started.push(n);
        return new Promise<void>((resolve) => ends.set(n, resolve));
      }),
    end: async (n) => {
      ends.get(n)?.();
      // The window refills in microtasks.
      for (let i = 0; i < 5; i++) await Promise.resolve();
    },
  };
}

describe('a window of two', () => {
  test('starts two tasks, and the next one when any of them ends', async () => {
    const tasks = controlled(new CallWindow(2));
    for (const n of [1, 2, 3, 4]) tasks.add(n);
    expect(tasks.started).toEqual([1, 2]);
    await tasks.end(2);
    expect(tasks.started).toEqual([1, 2, 3]);
    await tasks.end(1);
    expect(tasks.started).toEqual([1, 2, 3, 4]);
  });

  test('forgets what has not started when it is cleared', async () => {
    const window = new CallWindow(2);
    const tasks = controlled(window);
    for (const n of [1, 2, 3]) tasks.add(n);
    window.clear();
    await tasks.end(1);
    expect(tasks.started).toEqual([1, 2]);
    tasks.add(4);
    expect(tasks.started).toEqual([1, 2, 4]);
  });
});
