import { Worker, type WorkerOptions } from '@temporalio/worker';
import type { MainActivities } from '../activities/index.ts';
import type { WorkerConfig } from './config.ts';
import type { WorkflowBundlePath } from './workflow-bundle.ts';

/** The worker of the main queue: runs, and the short activities unless it only looks. */
export function createWorkflowWorker(
  shared: Pick<WorkerOptions, 'connection' | 'namespace'>,
  config: WorkerConfig,
  workflowBundle: WorkflowBundlePath,
  activities: MainActivities | undefined,
): Promise<Worker> {
  return Worker.create({
    ...shared,
    taskQueue: config.taskQueue,
    workflowBundle,
    ...(activities === undefined ? {} : { activities }),
    // Lost workers' runs move to others this soon.
    stickyQueueScheduleToStartTimeout: config.stickyMs,
    maxConcurrentWorkflowTaskExecutions: config.workflowConcurrency,
    maxConcurrentActivityTaskExecutions: config.workflowConcurrency,
    // Only this queue is versioned. What models and the REPL take and give is understood by every version, so that a run
    // pinned to an old one needs no more of it than a process that moves it on.
    ...(config.version === null
      ? {}
      : {
          workerDeploymentOptions: {
            version: config.version,
            useWorkerVersioning: true,
            defaultVersioningBehavior: 'PINNED' as const,
          },
        }),
  });
}
