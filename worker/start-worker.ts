import { NativeConnection, Worker } from '@temporalio/worker';
import {
  createMainActivities,
  createModelActivities,
  createReplActivities,
  loadMcpConfig,
  McpConfigInvalid,
  McpServers,
  type MainActivities,
} from '../activities/index.ts';
import { loadRegistry } from '../models/index.ts';
import { modelTaskQueue, replTaskQueue } from '../protocol/index.ts';
import { openRepl, type Repl } from '../repl/index.ts';
import { cached, openStore } from '../store/index.ts';
import { ConfigInvalid, type WorkerConfig } from './config.ts';
import { bundleWorkflows, type WorkflowBundlePath } from './workflow-bundle.ts';

/** Bytes of immutable blobs kept in memory: journals and transcripts are read again and again. */
const BLOB_CACHE_BYTES = 64 * 1024 * 1024;
/** Time for cells and calls in flight to end after a shutdown was asked for. */
const SHUTDOWN_GRACE = '10s';

export interface RunningWorker {
  readonly queues: readonly string[];
  /** Resolves when the worker has been shut down; rejects when it cannot go on. */
  readonly stopped: Promise<void>;
  /** Takes no new work, lets what runs end within 10 s, closes kernels and connections. Safe to call twice. */
  shutdown(): Promise<void>;
  kernelHostPids(): readonly number[];
}

export interface StartWorkerOptions {
  /** Provider keys and model names; see `loadRegistry`. */
  env: Readonly<Record<string, string | undefined>>;
  bundle?: WorkflowBundlePath;
  /** Only workflow tasks: answers queries and current details of any run, takes no activity, opens no kernel. */
  workflowsOnly?: boolean;
}

/** Connects, opens store, models and kernels, and polls all queues. Throws ConfigInvalid with one sentence when the server cannot be reached. */
export async function startWorker(
  config: WorkerConfig,
  options: StartWorkerOptions,
): Promise<RunningWorker> {
  const mcp = new McpServers(mcpConfig(options.env));
  const connection = await connect(config);
  let repl: Repl | undefined;
  try {
    const bundling = Promise.resolve(options.bundle ?? bundleWorkflows(config.cacheDir));
    // Awaited below; a failure of the kernel before that must not make this one unhandled.
    bundling.catch(() => undefined);
    const shared = sharedOptions(config, connection);
    const workers: Promise<Worker>[] = [];
    let main: MainActivities | undefined;
    if (options.workflowsOnly !== true) {
      const store = cached(await openStore(config.storeLocation), BLOB_CACHE_BYTES);
      const registry = loadRegistry(options.env);
      const { cacheDir, parkedMiB, memoryMiB, warmKernels } = config;
      repl = await openRepl({ store, cacheDir, parkedMiB, memoryMiB, warmKernels });
      main = createMainActivities({
        store,
        registry,
        runtime: repl.runtime,
        taskQueue: config.taskQueue,
        mcp,
      });
      workers.push(
        Worker.create({
          ...shared,
          taskQueue: modelTaskQueue(config.taskQueue),
          activities: createModelActivities({ store, registry }),
          maxConcurrentActivityTaskExecutions: config.modelConcurrency,
        }),
        Worker.create({
          ...shared,
          taskQueue: replTaskQueue(config.taskQueue, repl.runtime),
          activities: createReplActivities({ repl }),
          // Short beside the 2 s after which a step counts as lost.
          maxHeartbeatThrottleInterval: '600ms',
          maxConcurrentActivityTaskExecutions: config.replConcurrency,
        }),
      );
    }
    workers.unshift(
      Worker.create({
        ...shared,
        taskQueue: config.taskQueue,
        workflowBundle: await bundling,
        ...(main === undefined ? {} : { activities: main }),
        // A lost worker's runs move to others this soon.
        stickyQueueScheduleToStartTimeout: '500ms',
      }),
    );
    return supervise(await Promise.all(workers), repl, mcp, connection);
  } catch (error) {
    await repl?.dispose();
    await mcp.close();
    // Workers that were created hold it; the cause is what must be told.
    await connection.close().catch(() => undefined);
    throw error;
  }
}

function mcpConfig(env: StartWorkerOptions['env']): ReturnType<typeof loadMcpConfig> {
  try {
    return loadMcpConfig(env);
  } catch (error) {
    if (error instanceof McpConfigInvalid) throw new ConfigInvalid(error.message, { cause: error });
    throw error;
  }
}

function sharedOptions(config: WorkerConfig, connection: NativeConnection) {
  return {
    connection,
    namespace: config.namespace,
    shutdownGraceTime: SHUTDOWN_GRACE,
    // Cancellation reaches an activity with its next heartbeat that is really sent.
    maxHeartbeatThrottleInterval: '2s',
  } as const;
}

async function connect(config: WorkerConfig): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect({
      address: config.address,
      ...(config.apiKey === undefined ? {} : { apiKey: config.apiKey, tls: true }),
    });
  } catch (error) {
    throw new ConfigInvalid(
      `No Temporal server answers at ${config.address}; start one (npm run ui) or set TEMPORAL_ADDRESS.`,
      { cause: error },
    );
  }
}

function supervise(
  workers: Worker[],
  repl: Repl | undefined,
  mcp: McpServers,
  connection: NativeConnection,
): RunningWorker {
  const stop = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const stopped = (async () => {
    // One that fails takes the others with it: half a worker would only look alive. All must have ended before the
    // connection closes.
    const ends = await Promise.allSettled(workers.map((worker) => worker.run().finally(stop)));
    await repl?.dispose();
    await mcp.close();
    await connection.close();
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  })();
  // Whoever awaits `stopped` sees the failure; nobody need.
  stopped.catch(() => undefined);
  return {
    queues: workers.map((worker) => worker.options.taskQueue),
    stopped,
    shutdown: async () => {
      stop();
      await stopped;
    },
    kernelHostPids: () => repl?.hostPids ?? [],
  };
}
