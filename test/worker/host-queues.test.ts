import '../support/quiet-worker.ts';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { MainActivities } from '../../activities/index.ts';
import type { Repl } from '../../repl/index.ts';
import { memoryStore } from '../../store/index.ts';
import { loadWorkerConfig, type WorkerConfig } from '../../worker/config.ts';
import { createReplWorkers, newHostQueue } from '../../worker/repl-workers.ts';
import { createWorkflowWorker } from '../../worker/workflow-worker.ts';
import { temporalAddress, workflowBundlePath } from '../support/shared-server.ts';

// Scope: what stays behind on the server of worker processes that come and go, each with a private queue. Kernels are not
// opened: no step is sent.

/** More than a deployment version may have queues (100 by default), and than one has versions (100). */
const RESTARTS = 150;
/** Deployments beside each other: one process holds one worker a queue. */
const LANES = 10;

/** TASK_QUEUE_TYPE_ACTIVITY, whose enum is of a package that this one does not depend on. */
const OF_ACTIVITIES: object = { taskQueueType: 2 };

let native: NativeConnection;
let connection: Connection;
beforeAll(async () => {
  native = await NativeConnection.connect({ address: temporalAddress() });
  connection = await Connection.connect({ address: temporalAddress() });
});
afterAll(async () => {
  await native.close();
  await connection.close();
});

const activities = { checkAnswer: async () => ({ ok: true, problems: [] }) };

function configOf(taskQueue: string, deployment: string): WorkerConfig {
  return loadWorkerConfig({
    RLM_TASK_QUEUE: taskQueue,
    RLM_DEPLOYMENT: deployment,
    RLM_BUILD_ID: 'one',
    RLM_DRAIN_CELLS_SECONDS: '0',
  });
}

function shared(): { connection: NativeConnection; namespace: string; shutdownGraceTime: number } {
  return { connection: native, namespace: 'default', shutdownGraceTime: 0 };
}

/** Starts the workers of a process that runs Python, lets them poll, and ends them. */
async function comeAndGo(config: WorkerConfig): Promise<string> {
  const queue = newHostQueue(config);
  const repl = { runtime: 'test' } as Repl;
  const workers = await Promise.all(
    createReplWorkers(shared(), config, repl, memoryStore(), queue),
  );
  const running = workers.map((worker) => worker.run());
  await isPolled(queue);
  for (const worker of workers) worker.shutdown();
  await Promise.all(running);
  return queue;
}

/** Resolves when the server knows of a worker on the queue. */
async function isPolled(queue: string): Promise<void> {
  for (;;) {
    const { pollers } = await connection.workflowService.describeTaskQueue({
      namespace: 'default',
      taskQueue: { name: queue },
      ...OF_ACTIVITIES,
    });
    if ((pollers ?? []).length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Queues that the server counts for a version of a deployment: with their types, each once. */
async function countedQueues(deploymentName: string, buildId: string): Promise<string[]> {
  const { workerDeploymentVersionInfo } =
    await connection.workflowService.describeWorkerDeploymentVersion({
      namespace: 'default',
      deploymentVersion: { deploymentName, buildId },
    });
  const queues = workerDeploymentVersionInfo?.taskQueueInfos ?? [];
  return queues.map(({ name, type }) => `${name} ${type}`).toSorted();
}

test('150 restarts leave no queue behind that the server counts against a limit', async () => {
  const deployment = `restarts-${randomUUID()}`;
  const bundle = { codePath: workflowBundlePath() };
  const main = activities as unknown as MainActivities;
  const config = configOf(deployment, deployment);
  const mover = await createWorkflowWorker(shared(), config, bundle, main);
  const moving = mover.run();
  const hostQueues = new Set<string>();
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    for (let done = 0; done < RESTARTS; done += LANES) {
      hostQueues.add(await comeAndGo(configOf(`${deployment}-${lane}`, deployment)));
    }
  });
  await Promise.all(lanes);
  expect(hostQueues.size).toBe(RESTARTS);
  // The main queue alone, for runs (1) and for activities (2).
  expect(await countedQueues(deployment, 'one')).toEqual([`${deployment} 1`, `${deployment} 2`]);
  mover.shutdown();
  await moving;
}, 240_000);
