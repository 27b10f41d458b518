import { Worker, type WorkerOptions } from '@temporalio/worker';
import { createModelActivities, type ActivityDeps } from '../activities/index.ts';
import { modelTaskQueue } from '../protocol/index.ts';
import type { WorkerConfig } from './config.ts';

/** Long polls a queue: most queues of models wait most of the time, and there may be many. */
const POLLERS = 2;

/**
 * A worker a queue of model calls: one a model that the configuration names, and one for all others. What a model may be
 * asked a minute is kept by its queue, over all processes that serve it.
 */
export function createModelWorkers(
  shared: Pick<WorkerOptions, 'connection' | 'namespace' | 'shutdownGraceTime'>,
  { taskQueue, modelConcurrency }: WorkerConfig,
  deps: Pick<ActivityDeps, 'store' | 'registry'>,
): Promise<Worker>[] {
  const activities = createModelActivities(deps);
  return deps.registry.queues(modelTaskQueue(taskQueue)).map(({ taskQueue: queue, perSecond }) =>
    Worker.create({
      ...shared,
      taskQueue: queue,
      activities,
      maxConcurrentActivityTaskExecutions: modelConcurrency,
      maxConcurrentActivityTaskPolls: Math.min(POLLERS, modelConcurrency),
      ...(perSecond === undefined ? {} : { maxTaskQueueActivitiesPerSecond: perSecond }),
    }),
  );
}
