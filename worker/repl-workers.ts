import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import { createReplActivities } from '../activities/index.ts';
import { hostTaskQueue, replTaskQueue } from '../protocol/index.ts';
import type { Repl } from '../repl/index.ts';
import type { Store } from '../store/index.ts';
import type { WorkerConfig } from './config.ts';

/**
 * A name that no other process ever had: whoever polled it is gone for good, and with it the kernels that it kept. The
 * server forgets a queue that nobody polls.
 */
export function newHostQueue(config: Pick<WorkerConfig, 'taskQueue'>): string {
  const machine = hostname()
    .replaceAll(/[^\w-]/g, '-')
    .slice(0, 60);
  return hostTaskQueue(config.taskQueue, `${machine}-${process.pid}-${randomUUID().slice(0, 8)}`);
}

/**
 * The worker of the queue that all REPL workers of this runtime share and, when it has one, of the private queue of this
 * process, with slots of its own: a step on a kernel that is kept here does not wait behind new cells. Neither is
 * versioned: steps of every version run on both, and no deployment counts a private queue.
 */
export function createReplWorkers(
  shared: Pick<WorkerOptions, 'connection' | 'namespace'>,
  config: Pick<WorkerConfig, 'taskQueue' | 'replConcurrency' | 'drainCellsMs'>,
  repl: Repl,
  store: Store,
  hostQueue: string | null,
): Promise<Worker>[] {
  const activities = createReplActivities({ repl, store });
  const queues = [replTaskQueue(config.taskQueue, repl.runtime)];
  if (hostQueue !== null) queues.push(hostQueue);
  return queues.map((taskQueue) =>
    Worker.create({
      ...shared,
      taskQueue,
      activities,
      // A cell that takes longer is handed over: another worker runs it again from its image.
      shutdownGraceTime: config.drainCellsMs,
      // Short beside the second or two after which a step counts as lost.
      maxHeartbeatThrottleInterval: taskQueue === hostQueue ? '250ms' : '600ms',
      maxConcurrentActivityTaskExecutions: config.replConcurrency,
    }),
  );
}
