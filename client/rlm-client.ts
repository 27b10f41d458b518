import { randomBytes } from 'node:crypto';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import {
  type CheckedCitation,
  CitationReport,
  DEFAULT_TASK_QUEUE,
  type Draft,
  type IngestProgress,
  MEMO_PROGRESS,
  Progress,
  PROGRESS_QUERY,
  RUN_WORKFLOW,
  RunResult,
  runOwner,
  type RunSpec,
  RunStart,
} from '../protocol/index.ts';
import {
  getJson,
  getText,
  InvalidInput,
  keeping,
  keepSpec,
  keptBy,
  openStore,
  refuseForgotten,
  type Store,
} from '../store/index.ts';
import { InvalidRequest, RunFailed } from './errors.ts';
import { RunGarbage } from './garbage.ts';
import { type RunRequest, toRunSpec } from './run-request.ts';
import { RunSchedules } from './run-schedules.ts';
import { RunSteering } from './run-steering.ts';
import { readDrafts, readIngestProgress, readTree, type RunTree } from './run-views.ts';
import { startOptions } from './start-options.ts';
import { hasSearchAttributes } from './search-attributes.ts';
import { toClientError } from './to-client-error.ts';

export interface ConnectOptions {
  /** Temporal's frontend, `host:port`. Default `TEMPORAL_ADDRESS`, else `localhost:7233`. */
  address?: string;
  /** Default `TEMPORAL_NAMESPACE`, else `default`. */
  namespace?: string;
  apiKey?: string;
  tls?: boolean;
  /** Main task queue of the workers. Default `RLM_TASK_QUEUE`, else `rlm`. */
  taskQueue?: string;
  /** The store that the workers use: a directory, or a store that is already open. */
  store: string | Store;
}

/** A result with the answer's text read from the store. */
export interface RunAnswer {
  workflowId: string;
  /** The answer, or the best draft when `result.reason` is not `answered`; null when there was none. */
  answer: string | null;
  result: RunResult;
  /** What the answer cites, in its order, each looked up in the inputs; empty when it cites nothing or nobody could look. */
  citations: CheckedCitation[];
}

export interface StartedRun {
  workflowId: string;
  runId: string;
}

/**
 * The library that backend services import. Light: needs Temporal's client and the store, no native kernel.
 * Every method throws RunFailed, RunCancelled, ServerUnavailable or InvalidRequest with one clear sentence.
 */
export class RlmClient {
  readonly temporal: Client;
  readonly store: Store;
  readonly schedules: RunSchedules;
  /** Messages, limits, pauses, edits and answers for runs under way. */
  readonly steering: RunSteering;
  /** What runs have left in the store. */
  readonly garbage: RunGarbage;
  readonly #connection: Connection;
  readonly #server: { server?: string };
  readonly #searchAttributes: boolean;
  readonly taskQueue: string;

  private constructor(
    connection: Connection,
    temporal: Client,
    store: Store,
    searchAttributes: boolean,
    taskQueue: string,
    server: string | undefined,
  ) {
    this.#connection = connection;
    this.#server = server === undefined ? {} : { server };
    this.temporal = temporal;
    this.store = store;
    this.#searchAttributes = searchAttributes;
    this.taskQueue = taskQueue;
    this.steering = new RunSteering(temporal, store);
    this.garbage = new RunGarbage(temporal, store, { taskQueue, server });
    this.schedules = new RunSchedules(temporal, store, { searchAttributes, taskQueue, server });
  }

  /** Connects within 5 s or throws ServerUnavailable. Close the client when done. */
  static async connect(options: ConnectOptions): Promise<RlmClient> {
    const address = options.address ?? process.env['TEMPORAL_ADDRESS'] ?? 'localhost:7233';
    const namespace = options.namespace ?? process.env['TEMPORAL_NAMESPACE'] ?? 'default';
    const apiKey = options.apiKey ?? process.env['TEMPORAL_API_KEY'];
    let connection: Connection | undefined;
    let namespaceId: string | undefined;
    try {
      connection = await Connection.connect({
        address,
        connectTimeout: '5s',
        ...(apiKey === undefined ? {} : { apiKey }),
        tls: options.tls ?? apiKey !== undefined,
      });
      // Answers NOT_FOUND for an unknown namespace, which a connection alone does not notice.
      const described = await connection.workflowService.describeNamespace({ namespace });
      namespaceId = described.namespaceInfo?.id ?? undefined;
    } catch (error) {
      await connection?.close();
      throw toClientError(error, { address, namespace });
    }
    try {
      // Only now: a wrong address must not leave a store directory behind.
      const store = keeping(
        typeof options.store === 'string' ? await openStore(options.store) : options.store,
      );
      const temporal = new Client({ connection, namespace });
      const searchAttributes = await hasSearchAttributes(connection, namespace);
      const taskQueue = options.taskQueue ?? process.env['RLM_TASK_QUEUE'] ?? DEFAULT_TASK_QUEUE;
      return new RlmClient(connection, temporal, store, searchAttributes, taskQueue, namespaceId);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Stores the request and starts its run. An id is used once: starting it again is refused, also after its run has ended. */
  async start(request: RunRequest, options: { workflowId?: string } = {}): Promise<StartedRun> {
    const workflowId = options.workflowId ?? newRunId();
    const spec = await this.#kept(workflowId, () => toRunSpec(this.store, request));
    return this.#startKept(spec, workflowId);
  }

  /** Starts a spec whose values are stored already. */
  async startSpec(spec: RunSpec, options: { workflowId?: string } = {}): Promise<StartedRun> {
    const workflowId = options.workflowId ?? newRunId();
    await this.#kept(workflowId, () => keepSpec(this.store, spec));
    return this.#startKept(spec, workflowId);
  }

  /** Puts values into the run's root, which is there before the run is. */
  async #kept<T>(workflowId: string, work: () => Promise<T>): Promise<T> {
    try {
      // Also where this process has seen the root before it was forgotten.
      await refuseForgotten(this.store, runOwner(workflowId));
      return await keptBy(runOwner(workflowId), work, this.#server);
    } catch (error) {
      if (error instanceof InvalidInput) throw new InvalidRequest(`${error.message}.`);
      throw error;
    }
  }

  async #startKept(spec: RunSpec, workflowId: string): Promise<StartedRun> {
    const start = RunStart.parse({ spec, parent: null, searchAttributes: this.#searchAttributes });
    try {
      const handle = await this.temporal.workflow.start(RUN_WORKFLOW, {
        ...startOptions(start),
        taskQueue: this.taskQueue,
        workflowId,
        // Also when it has ended: its answers are recorded under the id, and a caller's id is an idempotency key.
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        args: [start],
      });
      return { workflowId, runId: handle.firstExecutionRunId };
    } catch (error) {
      throw toClientError(error, { workflowId });
    }
  }

  /** Waits for a run to end, however long it takes and through any continue-as-new. */
  async result(workflowId: string): Promise<RunAnswer> {
    const handle = this.temporal.workflow.getHandle(workflowId);
    let raw: unknown;
    try {
      raw = await handle.result();
    } catch (error) {
      throw toClientError(error, { workflowId, progress: await this.#memoProgress(handle) });
    }
    const result = RunResult.safeParse(raw);
    if (!result.success) {
      throw new RunFailed(
        workflowId,
        'Unknown',
        `Workflow ${workflowId} is not a run of this engine.`,
      );
    }
    const answer = result.data.answer;
    return {
      workflowId,
      answer: answer === null ? null : await getText(this.store, answer),
      result: result.data,
      citations: await this.#citations(result.data),
    };
  }

  async #citations({ citations }: RunResult): Promise<CheckedCitation[]> {
    const report = citations?.report ?? null;
    if (report === null) return [];
    return (await getJson(this.store, report, CitationReport)).citations;
  }

  /** Starts a run and waits for its answer. */
  async run(request: RunRequest, options: { workflowId?: string } = {}): Promise<RunAnswer> {
    const { workflowId } = await this.start(request, options);
    return this.result(workflowId);
  }

  /** The state of a run now: by query when a worker answers within 2 s, else as of its last turn (from the memo). Null before its first turn. */
  async progress(workflowId: string): Promise<Progress | null> {
    const handle = this.temporal.workflow.getHandle(workflowId);
    try {
      const state = await this.temporal.withDeadline(Date.now() + 2000, () =>
        handle.query<unknown>(PROGRESS_QUERY),
      );
      return Progress.parse(state);
    } catch {
      try {
        return await this.#memoProgress(handle, { throwing: true });
      } catch (error) {
        throw toClientError(error, { workflowId });
      }
    }
  }

  /** How far the reading of its inputs is while a run has no turn yet; null when none is under way. */
  async ingestProgress(workflowId: string): Promise<IngestProgress | null> {
    return readIngestProgress(this.temporal, workflowId);
  }

  /** The newest drafts of the answer, oldest first, while the run goes on and after its end. Needs a worker of the run. */
  async drafts(workflowId: string): Promise<Draft[]> {
    return readDrafts(this.temporal, workflowId);
  }

  /** The run with all its sub-runs. Needs no worker; about a second behind. */
  async tree(workflowId: string): Promise<RunTree> {
    return readTree(this.temporal, workflowId);
  }

  /** Asks a run and its sub-runs to stop; `result` then throws RunCancelled with the best draft. */
  async cancel(workflowId: string): Promise<void> {
    try {
      await this.temporal.workflow.getHandle(workflowId).cancel();
    } catch (error) {
      throw toClientError(error, { workflowId });
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #memoProgress(
    handle: WorkflowHandle,
    options: { throwing?: boolean } = {},
  ): Promise<Progress | null> {
    try {
      const { memo } = await handle.describe();
      return Progress.nullable().parse(memo?.[MEMO_PROGRESS] ?? null);
    } catch (error) {
      if (options.throwing === true) throw error;
      return null;
    }
  }
}

function newRunId(): string {
  return `rlm-${new Date().toISOString().slice(0, 10)}-${randomBytes(4).toString('hex')}`;
}
