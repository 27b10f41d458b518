import { describe, expect, test } from '@jest/globals';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { type Beat, withHeartbeat } from '../../activities/heartbeat.ts';

function environment(): {
  run: <T>(work: (beat: Beat) => Promise<T>) => Promise<T>;
  beats: unknown[];
  cancel: () => void;
} {
  const mock = new MockActivityEnvironment(
    { heartbeatTimeoutMs: 30 },
    // An activity that fails on purpose is no news.
    { logger: new DefaultLogger('ERROR') },
  );
  const beats: unknown[] = [];
  mock.on('heartbeat', (details) => beats.push(details));
  return {
    beats,
    run: (work) => mock.run(() => withHeartbeat(work)),
    cancel: () => mock.cancel('CANCELLED'),
  };
}

describe('an activity with heartbeats', () => {
  test('sends none when it ends at once', async () => {
    const { run, beats } = environment();
    await run(async () => undefined);
    expect(beats).toEqual([]);
  });

  test('beats well within its timeout, then with the newest note', async () => {
    const { run, beats } = environment();
    await run(async ({ note }) => {
      while (beats.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(beats).toEqual([{ phase: 'started' }]);
      note({ phase: 'half-way' });
      while (beats.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    });
    expect(beats.at(-1)).toEqual({ phase: 'half-way' });
  });

  test('stops beating when it ends, also by an error', async () => {
    const { run, beats } = environment();
    await expect(run(() => Promise.reject(new Error('no')))).rejects.toMatchObject({
      type: 'Error',
      message: 'no',
    });
    const count = beats.length;
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(beats).toHaveLength(count);
  });

  test('ends as cancelled, whatever the abort made the work throw', async () => {
    const { run, cancel } = environment();
    const running = run(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('socket closed')));
          cancel();
        }),
    );
    await expect(running).rejects.toBeInstanceOf(CancelledFailure);
  });
});
