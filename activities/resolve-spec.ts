import { Context } from '@temporalio/activity';
import {
  type CellLimits,
  FailureType,
  modelTaskQueue,
  replTaskQueue,
  ResolvedSpec,
  RunSpec,
} from '../protocol/index.ts';
import { ModelError } from '../models/index.ts';
import { keepSpec } from '../store/index.ts';
import type { ActivityDeps, MainActivities } from './contract.ts';
import { readForkPoint } from './fork-source.ts';
import { takeOver } from './take-over.ts';
import { withHeartbeat } from './heartbeat.ts';
import { resolvePackages } from './resolve-packages.ts';
import { resolveTools } from './resolve-tools.ts';

const DEFAULT_LIMITS: CellLimits = {
  computeMs: 60_000,
  heapMiB: 1024,
  outputBytes: 1024 * 1024,
  filesBytes: 64 * 1024 * 1024,
  pendingCalls: 10_000,
};

/** As many as a resolved spec holds; calls of others wait in the sub-model's queue. */
const MOST_OTHERS = 32;

const DEFAULT_BUDGET = { turns: 30, calls: 1000, costUsd: 1, tokens: null, wallClockMs: null };

/** A name that is not known is the caller's mistake: the failure says where in the spec it stands. */
async function named<T>(path: string, looked: Promise<T>): Promise<T> {
  try {
    return await looked;
  } catch (error) {
    if (!(error instanceof ModelError) || error.failure.type !== FailureType.invalidInput)
      throw error;
    const { failure } = error;
    throw new ModelError({ ...failure, message: `${path}: ${failure.message}` }, { cause: error });
  }
}

/** Names to model cards, gaps to defaults. Recorded once in the history: a later change of either does not touch a running run. */
export function createResolveSpec({
  registry,
  runtime,
  taskQueue,
  store,
  mcp,
}: ActivityDeps): MainActivities['resolveSpec'] {
  return async function resolveSpec(input: RunSpec): Promise<ResolvedSpec> {
    return withHeartbeat(async () => {
      const spec = RunSpec.parse(input);
      // A run that a schedule starts has no client that would have put them into its root.
      await keepSpec(store, spec);
      const defaults = { taskQueue: modelTaskQueue(taskQueue) };
      const tools = await resolveTools({ store, mcp }, spec);
      const packages = await resolvePackages(store, spec);
      const from =
        spec.from &&
        (await readForkPoint({ store, client: Context.current().client, runtime }, spec.from));
      if (from !== undefined) await takeOver(store, from);
      const root = await named('spec.model', registry.card(spec.model, 'root', defaults));
      const sub = await named('spec.subModel', registry.card(spec.subModel, 'sub', defaults));
      const others = registry.named(defaults).filter(({ name }) => name !== sub.name);
      return ResolvedSpec.parse({
        root,
        sub,
        ...(others.length === 0 ? {} : { others: others.slice(0, MOST_OTHERS) }),
        runtime,
        replQueue: replTaskQueue(taskQueue, runtime),
        budget: { ...DEFAULT_BUDGET, ...spec.budget },
        limits: { ...DEFAULT_LIMITS, ...spec.limits },
        concurrency: spec.concurrency ?? 64,
        maxDepth: spec.maxDepth ?? 1,
        ...(tools === undefined ? {} : { tools }),
        ...(packages === undefined ? {} : { packages }),
        ...(from === undefined ? {} : { from }),
        ...(spec.cache === undefined ? {} : { cache: spec.cache }),
      });
    });
  };
}
