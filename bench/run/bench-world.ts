import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { RlmClient, type RunAnswer, type RunRequest } from '../../client/index.ts';
import { type ScriptedMessage, startScriptedModel } from '../../examples/support/scripted-model.ts';
import {
  installTelemetry,
  loadWorkerConfig,
  startEmbeddedServer,
  startWorker,
} from '../../worker/index.ts';

/** Model calls in flight in this process: as many as a run may have. */
const MODEL_CONCURRENCY = '500';

/** One event of a history: its type, activity or workflow type, and time in ms. */
export interface TimedEvent {
  type: string;
  name: string;
  atMs: number;
}

export interface MeasuredRun {
  answer: RunAnswer;
  /** Events of the run's last execution, and of all of them. */
  events: TimedEvent[];
  eventCount: number;
  historyBytes: number;
  executions: number;
  wallMs: number;
}

export interface BenchWorld {
  /** Runs to the end. `cells`: the Python of each turn. */
  run(
    cells: string | readonly string[] | ((turn: number) => string),
    request?: Partial<RunRequest>,
  ): Promise<MeasuredRun>;
  /** Duration of a workflow of `floor.ts`, by its history. */
  floor(workflow: 'waitInSequence' | 'waitInParallel', ...args: number[]): Promise<number>;
  /** Time that the scripted model takes for an answer to a sub-call. */
  latencyMs: number;
  close(): Promise<void>;
}

/** A server, in memory or on a file; a worker and a scripted model without latency in this process; and a worker for floors. */
export async function openBenchWorld(database: 'memory' | 'file'): Promise<BenchWorld> {
  installTelemetry('ERROR');
  const home = await mkdtemp(join(tmpdir(), 'rlm-bench-run-'));
  const server = await startEmbeddedServer(
    database === 'memory' ? { inMemory: true } : { dbFile: join(home, 'temporal.db') },
  );
  let script = scriptOf([]);
  const world = { latencyMs: 0 };
  const model = await startScriptedModel({
    root: (_messages: readonly ScriptedMessage[], turn) => `\`\`\`python\n${script(turn)}\n\`\`\``,
    sub: async (prompt) => {
      if (world.latencyMs > 0) await sleep(world.latencyMs);
      return `Read ${prompt.length} characters.`;
    },
  });
  const config = loadWorkerConfig({
    ...process.env,
    TEMPORAL_ADDRESS: server.address,
    RLM_HOME: home,
    RLM_STORE: '',
    RLM_MODEL_CONCURRENCY: MODEL_CONCURRENCY,
  });
  const worker = await startWorker(config, {
    env: { OPENAI_BASE_URL: model.baseUrl, RLM_MODEL: 'root-model', RLM_SUB_MODEL: 'helper-model' },
  });
  const { storeLocation: store, taskQueue } = config;
  const client = await RlmClient.connect({ address: server.address, store, taskQueue });
  const floors = await openFloors(server.address);

  async function eventsOf(workflowId: string, runId?: string): Promise<TimedEvent[]> {
    const { events } = await client.temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    return (events ?? []).map((event) => ({
      type: Object.keys(event).find((key) => key.endsWith('EventAttributes')) ?? '',
      name: event.activityTaskScheduledEventAttributes?.activityType?.name ?? '',
      atMs: Number(event.eventTime?.seconds ?? 0) * 1000 + (event.eventTime?.nanos ?? 0) / 1e6,
    }));
  }

  return Object.assign(world, {
    run: async (
      cells: string | readonly string[] | ((turn: number) => string),
      request: Partial<RunRequest> = {},
    ): Promise<MeasuredRun> => {
      script = scriptOf(cells);
      const from = performance.now();
      const answer = await client.run({ question: 'Bench', input: 'text', ...request });
      const wallMs = performance.now() - from;
      const { workflowId } = answer;
      const all = await executionsOf(client, workflowId);
      const events = await eventsOf(workflowId);
      return { answer, events, wallMs, ...all };
    },
    floor: async (workflow: string, ...args: number[]) => {
      const handle = await client.temporal.workflow.start(workflow, {
        taskQueue: floors.taskQueue,
        workflowId: `floor-${randomUUID()}`,
        args,
      });
      await handle.result();
      const events = await eventsOf(handle.workflowId);
      const first = events.find(({ type }) => type.startsWith('activityTaskScheduled'));
      const last = events.findLast(({ type }) => type.startsWith('activityTaskCompleted'));
      return (last?.atMs ?? 0) - (first?.atMs ?? 0);
    },
    close: async () => {
      await floors.close();
      await client.close();
      await worker.shutdown();
      await model.close();
      await server.stop();
      await rm(home, { recursive: true, force: true });
    },
  });
}

function scriptOf(
  cells: string | readonly string[] | ((turn: number) => string),
): (turn: number) => string {
  if (typeof cells === 'function') return cells;
  const list = typeof cells === 'string' ? [cells] : cells;
  return (turn) => list[turn - 1] ?? 'answer.update(content="Done.", ready=True)';
}

/** Events and bytes of a run's histories, through all that it went on in. */
async function executionsOf(
  { temporal: { workflow } }: RlmClient,
  workflowId: string,
): Promise<{ eventCount: number; historyBytes: number; executions: number }> {
  const total = { eventCount: 0, historyBytes: 0, executions: 0 };
  let runId: string | undefined;
  do {
    const handle = workflow.getHandle(workflowId, runId);
    const { historyLength, historySize } = await handle.describe();
    total.eventCount += historyLength;
    total.historyBytes += historySize ?? 0;
    total.executions += 1;
    const { events } = await handle.fetchHistory();
    runId =
      events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? undefined;
  } while (runId !== undefined && runId !== '');
  return total;
}

async function openFloors(
  address: string,
): Promise<{ taskQueue: string; close: () => Promise<void> }> {
  const connection = await NativeConnection.connect({ address });
  const taskQueue = `floor-${randomUUID()}`;
  const worker = await Worker.create({
    connection,
    taskQueue,
    workflowsPath: fileURLToPath(new URL('floor.ts', import.meta.url)),
    activities: { wait: (ms: number) => (ms > 0 ? sleep(ms) : Promise.resolve()) },
    maxConcurrentActivityTaskExecutions: Number(MODEL_CONCURRENCY),
  });
  const running = worker.run();
  return {
    taskQueue,
    close: async () => {
      worker.shutdown();
      await running;
      await connection.close();
    },
  };
}
