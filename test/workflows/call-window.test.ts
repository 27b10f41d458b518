import { describe, expect, test } from '@jest/globals';
import { CallWindow } from '../../workflows/call-window.ts';

/** Tasks that end when told to. */
function controlled(window: CallWindow): {
  started: number[];
  /** How many each was told to start with, itself included. */
  startedWith: number[];
  start: () => void;
  end: (n: number) => Promise<void>;
  add: (n: number, seats?: number) => void;
} {
  const started: number[] = [];
  const startedWith: number[] = [];
  const ends = new Map<number, () => void>();
  return {
    started,
    startedWith,
    add: (n, seats) => {
      window.add((together) => {
        started.push(n);
        startedWith.push(together);
        return new Promise<void>((resolve) => ends.set(n, resolve));
      }, seats);
    },
    start: () => window.start(),
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
    tasks.start();
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
    tasks.start();
    window.clear();
    await tasks.end(1);
    expect(tasks.started).toEqual([1, 2]);
    tasks.add(4);
    tasks.start();
    expect(tasks.started).toEqual([1, 2, 4]);
  });

  test('is idle when the last task has ended, also of those that had to wait', async () => {
    const window = new CallWindow(1);
    const tasks = controlled(window);
    for (const n of [1, 2]) tasks.add(n);
    tasks.start();
    let isIdle = false;
    const idle = window.idle().then(() => (isIdle = true));
    await tasks.end(1);
    expect([tasks.started, isIdle]).toEqual([[1, 2], false]);
    await tasks.end(2);
    await idle;
  });

  test('tells each task how many it starts with', async () => {
    const tasks = controlled(new CallWindow(2));
    for (const n of [1, 2, 3]) tasks.add(n);
    tasks.start();
    await tasks.end(1);
    expect(tasks.startedWith).toEqual([2, 1, 1]);
  });
});

describe('a window of four seats', () => {
  test('lets a task in when all of its seats are free, and none past it', async () => {
    const tasks = controlled(new CallWindow(4));
    tasks.add(1, 3);
    tasks.add(2, 3);
    tasks.add(3);
    tasks.start();
    expect(tasks.started).toEqual([1]);
    await tasks.end(1);
    expect(tasks.started).toEqual([1, 2, 3]);
  });

  test('gives all of them to a task that wants more', () => {
    const tasks = controlled(new CallWindow(4));
    tasks.add(1, 9);
    tasks.add(2);
    tasks.start();
    expect(tasks.started).toEqual([1]);
  });
});
