/** What Temporal itself takes for the shape of a run: the same activities in the same order, with nothing in them. */
import { proxyActivities } from '@temporalio/workflow';

export interface FloorActivities {
  wait(ms: number): Promise<void>;
}

const { wait } = proxyActivities<FloorActivities>({
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '10 seconds',
  retry: { maximumAttempts: 1 },
});

/** `count` activities of `ms` one after another, on the queue of this workflow. */
export async function waitInSequence(count: number, ms: number): Promise<void> {
  for (let i = 0; i < count; i++) await wait(ms);
}

/** `count` activities of `ms`, at most `width` at a time. */
export async function waitInParallel(count: number, ms: number, width: number): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next++ < count) await wait(ms);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
}
