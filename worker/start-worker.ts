import { NativeConnection, type Worker } from '@temporalio/worker';
import {
  createMainActivities,
  InvalidDocument,
  loadMcpConfig,
  loadSourceAccess,
  McpConfigInvalid,
  McpServers,
  type MainActivities,
  type SourceAccess,
} from '../activities/index.ts';
import { loadRegistry } from '../models/index.ts';
import { openRepl, prepareBaseImage, type Repl } from '../repl/index.ts';
import { cached, keeping, keptBy, openStore, type Store } from '../store/index.ts';
import { ConfigInvalid, type WorkerConfig } from './config.ts';
import { createModelWorkers } from './model-workers.ts';
import { createReplWorkers, newHostQueue } from './repl-workers.ts';
import { type Role, ROLES } from './roles.ts';
import { createWorkflowWorker } from './workflow-worker.ts';
import { bundleWorkflows, type WorkflowBundlePath } from './workflow-bundle.ts';

/** Bytes of immutable blobs kept in memory: journals and transcripts are read again and again. */
const BLOB_CACHE_BYTES = 64 * 1024 * 1024;
const ALL_ROLES: ReadonlySet<Role> = new Set(ROLES);

export interface RunningWorker {
  readonly queues: readonly string[];
  /** Resolves when the worker has been shut down; rejects when it cannot go on. */
  readonly stopped: Promise<void>;
  /**
   * Takes no new work, lets model calls end and be stored, hands cells that go on for long to other workers, then closes
   * kernels and connections. See `drainCallsMs` and `drainCellsMs`. Safe to call twice.
   */
  shutdown(): Promise<void>;
  kernelHostPids(): readonly number[];
}

export interface StartWorkerOptions {
  /** Provider keys and model names; see `loadRegistry`. */
  env: Readonly<Record<string, string | undefined>>;
  bundle?: WorkflowBundlePath;
  /** Default all. */
  roles?: ReadonlySet<Role>;
  /** Only workflow tasks: answers queries and current details of any run, takes no activity, opens no kernel. */
  workflowsOnly?: boolean;
}

/** Connects, opens store, models and kernels, and polls all queues. Throws ConfigInvalid with one sentence when the server cannot be reached. */
export async function startWorker(
  config: WorkerConfig,
  options: StartWorkerOptions,
): Promise<RunningWorker> {
  const access = sourceAccess(options.env);
  const mcp = new McpServers(mcpConfig(options.env));
  const connection = await connect(config);
  let repl: Repl | undefined;
  try {
    const roles = options.workflowsOnly === true ? new Set<Role>() : (options.roles ?? ALL_ROLES);
    const movesRuns = roles.size === 0 || roles.has('workflow');
    const bundling = movesRuns ? bundleOf(config, options) : null;
    // Awaited below; a failure of the kernel before that must not make this one unhandled.
    bundling?.catch(() => undefined);
    const shared = sharedOptions(config, connection);
    const workers: Promise<Worker>[] = [];
    let main: MainActivities | undefined;
    if (roles.size > 0) {
      const store = keeping(cached(await openStore(config.storeLocation), BLOB_CACHE_BYTES));
      const { taskQueue, cacheDir } = config;
      if (roles.has('repl')) {
        const queue = config.hostQueue ? newHostQueue(config) : null;
        repl = await keptBy('runtime images', () => openWorkersRepl(config, store, queue));
        workers.push(...createReplWorkers(shared, config, repl, store, queue));
      }
      if (roles.has('workflow') || roles.has('model')) {
        const registry = loadRegistry(options.env, { keysElsewhere: !roles.has('model') });
        if (roles.has('workflow')) {
          const { runtime } = repl ?? (await prepareBaseImage({ cacheDir }));
          main = createMainActivities({ store, registry, runtime, taskQueue, mcp, access });
        }
        if (roles.has('model')) {
          workers.push(...createModelWorkers(shared, config, { store, registry }));
        }
      }
    }
    if (bundling !== null) {
      workers.unshift(createWorkflowWorker(shared, config, await bundling, main));
    }
    return supervise(await Promise.all(workers), repl, mcp, connection);
  } catch (error) {
    await repl?.dispose();
    await mcp.close();
    // Workers that were created hold it; the cause is what must be told.
    await connection.close().catch(() => undefined);
    throw error;
  }
}

async function bundleOf(
  config: WorkerConfig,
  { bundle }: StartWorkerOptions,
): Promise<WorkflowBundlePath> {
  return bundle ?? (await bundleWorkflows(config.cacheDir));
}

function openWorkersRepl(config: WorkerConfig, store: Store, queue: string | null): Promise<Repl> {
  const { cacheDir, parkedMiB, memoryMiB, warmKernels, replConcurrency: slots } = config;
  const hostQueue = queue === null ? {} : { hostQueue: { name: queue, slots } };
  return openRepl({ store, cacheDir, parkedMiB, memoryMiB, warmKernels, ...hostQueue });
}

function mcpConfig(env: StartWorkerOptions['env']): ReturnType<typeof loadMcpConfig> {
  try {
    return loadMcpConfig(env);
  } catch (error) {
    if (error instanceof McpConfigInvalid) throw new ConfigInvalid(error.message, { cause: error });
    throw error;
  }
}

function sourceAccess(env: StartWorkerOptions['env']): SourceAccess {
  try {
    return loadSourceAccess(env);
  } catch (error) {
    if (error instanceof InvalidDocument)
      throw new ConfigInvalid(`${error.message}.`, { cause: error });
    throw error;
  }
}

function sharedOptions(config: WorkerConfig, connection: NativeConnection) {
  return {
    connection,
    namespace: config.namespace,
    shutdownGraceTime: config.drainCallsMs,
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
