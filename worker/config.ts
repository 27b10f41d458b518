import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { DEFAULT_TASK_QUEUE } from '../protocol/index.ts';

const Environment = z.object({
  TEMPORAL_ADDRESS: z.string().min(1).default('localhost:7233'),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  TEMPORAL_API_KEY: z.string().min(1).optional(),
  RLM_TASK_QUEUE: z.string().min(1).max(200).default(DEFAULT_TASK_QUEUE),
  RLM_HOME: z.string().min(1).default('.rlm'),
  RLM_STORE: z.string().min(1).optional(),
  RLM_CACHE_DIR: z.string().min(1).optional(),
  XDG_CACHE_HOME: z.string().min(1).optional(),
  RLM_MODEL_CONCURRENCY: z.coerce.number().int().min(1).max(2000).default(100),
  RLM_WORKFLOW_CONCURRENCY: z.coerce.number().int().min(2).max(2000).default(100),
  RLM_REPL_CONCURRENCY: z.coerce.number().int().min(1).max(200).default(8),
  RLM_PARKED_MIB: z.coerce.number().int().min(0).default(2048),
  RLM_MEMORY_MIB: z.coerce.number().int().min(1024).optional(),
  RLM_WARM_KERNELS: z.coerce.number().int().min(0).max(64).default(2),
  RLM_HOST_QUEUE: z.enum(['0', '1']).default('1'),
  RLM_STICKY_MS: z.coerce.number().int().min(100).max(60_000).default(500),
  RLM_DRAIN_CELLS_SECONDS: z.coerce.number().min(0).max(86_400).default(10),
  RLM_DRAIN_CALLS_SECONDS: z.coerce.number().min(0).max(86_400).default(600),
  RLM_DEPLOYMENT: z
    .string()
    .regex(/^[^.]{1,200}$/, 'it may not contain a dot')
    .optional(),
  RLM_BUILD_ID: z.string().min(1).max(200).optional(),
});

/** Everything that a worker is told from outside, besides the models (see `models/`). */
export interface WorkerConfig {
  address: string;
  namespace: string;
  apiKey: string | undefined;
  /** Main task queue; the names of the others start with it. */
  taskQueue: string;
  /** Directory of the embedded server's database, the default store, and logs. */
  home: string;
  /** Where the store is; see `openStore`. Default `<home>/store`. */
  storeLocation: string;
  /** Base images and the Temporal CLI, shared by all checkouts of a user. */
  cacheDir: string;
  /** Model calls in flight in this process. */
  modelConcurrency: number;
  /** Workflow tasks at once in this process, and as many of the short activities beside them. */
  workflowConcurrency: number;
  /** REPL steps at once in this process; those on the kernels that it keeps are counted apart. */
  replConcurrency: number;
  /** Memory for kernels that wait or rest, in MiB; what exceeds it is restored from images. */
  parkedMiB: number;
  /** Memory of the kernel host, in MiB: steps wait for room in it. Undefined: by the machine. */
  memoryMiB: number | undefined;
  /** Kernels booted ahead. */
  warmKernels: number;
  /** Whether runs are sent back to the kernels that this process keeps. */
  hostQueue: boolean;
  /** How long a run waits for the worker that has it in memory, in ms, before another takes it. */
  stickyMs: number;
  /** After a shutdown was asked for: how long cells may go on before other workers get them, and calls before they are given up. */
  drainCellsMs: number;
  drainCallsMs: number;
  /** Temporal's name of this deployment and of this version of it; null: not versioned. */
  version: { deploymentName: string; buildId: string } | null;
}

/** A setting has a value that cannot be used; the message names it. */
export class ConfigInvalid extends Error {
  override readonly name = 'ConfigInvalid';
}

/** Reads nothing but `env`. Empty variables count as absent. Throws ConfigInvalid. */
export function loadWorkerConfig(env: Readonly<Record<string, string | undefined>>): WorkerConfig {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ConfigInvalid(`Set ${issue?.path.join('.')} right: ${issue?.message}.`);
  }
  const e = parsed.data;
  if (e.RLM_DEPLOYMENT !== undefined && e.RLM_BUILD_ID === undefined) {
    throw new ConfigInvalid('Set RLM_BUILD_ID: a version of the deployment RLM_DEPLOYMENT.');
  }
  const home = resolve(e.RLM_HOME);
  return {
    address: e.TEMPORAL_ADDRESS,
    namespace: e.TEMPORAL_NAMESPACE,
    apiKey: e.TEMPORAL_API_KEY,
    taskQueue: e.RLM_TASK_QUEUE,
    home,
    storeLocation: e.RLM_STORE ?? join(home, 'store'),
    cacheDir: e.RLM_CACHE_DIR ?? join(e.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'durable-rlm'),
    modelConcurrency: e.RLM_MODEL_CONCURRENCY,
    replConcurrency: e.RLM_REPL_CONCURRENCY,
    parkedMiB: e.RLM_PARKED_MIB,
    memoryMiB: e.RLM_MEMORY_MIB,
    warmKernels: e.RLM_WARM_KERNELS,
    hostQueue: e.RLM_HOST_QUEUE === '1',
    stickyMs: e.RLM_STICKY_MS,
    workflowConcurrency: e.RLM_WORKFLOW_CONCURRENCY,
    drainCellsMs: e.RLM_DRAIN_CELLS_SECONDS * 1000,
    drainCallsMs: e.RLM_DRAIN_CALLS_SECONDS * 1000,
    version:
      e.RLM_DEPLOYMENT === undefined || e.RLM_BUILD_ID === undefined
        ? null
        : { deploymentName: e.RLM_DEPLOYMENT, buildId: e.RLM_BUILD_ID },
  };
}
