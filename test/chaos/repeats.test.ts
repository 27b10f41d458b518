import { describe, expect, test } from '@jest/globals';
import type { Disturbance } from './disturb.ts';
import type { Kind } from './plan.ts';
import { countCalls } from './repeats.ts';

// Scope: the judge of the chaos suite. What it does not explain is a broken promise.

function request(prompt: string, atMs: number, key = 'worker-1') {
  return { prompt, kind: 'sub' as const, atMs, key, answered: true, durationMs: 100 };
}

function disturbance(kind: Kind, fromMs: number, killedKeys: string[] = []): Disturbance {
  const planned = { number: 1, kind, after: 0, delayMs: 0, lastsMs: 0, worker: 0, jumpMs: 0 };
  return { ...planned, fromMs, untilMs: fromMs + 100, detail: 'x', killedKeys, met: true };
}

const NOTHING = new Map();

describe('a call that was sent again', () => {
  const again = [request('a', 1000), request('a', 9000, 'worker-2')];

  test('is because of the kill of the worker that had sent it', () => {
    const { repeats, ...count } = countCalls(again, NOTHING, [
      disturbance('kill worker', 1500, ['worker-1']),
    ]);
    expect(repeats).toEqual([{ prompt: 'a', kind: 'sub', because: '#1 kill worker (x)' }]);
    expect(count).toEqual({ sent: 2, distinct: 1, afterStored: [] });
  });

  test.each([
    ['another worker was killed', disturbance('kill worker', 1500, ['worker-3'])],
    ['its worker was killed before', disturbance('kill worker', 100, ['worker-1'])],
    ['its worker was killed later', disturbance('kill worker', 20_000, ['worker-1'])],
    ['only a disk was full', disturbance('full disk', 1500)],
    ['only a clock jumped', disturbance('clock jump', 1500)],
    ['the connection was only slow', disturbance('slow model connections', 1500)],
  ])('is not explained when %s', (_, cause) => {
    expect(countCalls(again, NOTHING, [cause]).repeats).toMatchObject([{ because: null }]);
  });

  test('is a broken promise when its answer was stored, whatever was killed', () => {
    const stored = new Map([['a', { fromMs: 1200, atMs: 1300 }]]);
    const kill = disturbance('kill worker', 1500, ['worker-1']);
    expect(countCalls(again, stored, [kill]).afterStored).toEqual([
      'sub call a was sent 7700 ms after its answer was stored',
    ]);
  });
});
