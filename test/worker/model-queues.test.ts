import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createMainActivities, McpServers } from '../../activities/index.ts';
import { loadRegistry } from '../../models/index.ts';
import {
  CALL_BATCH_WORKFLOW,
  type CallBatchInput,
  type CallBatchResult,
  modelTaskQueue,
} from '../../protocol/index.ts';
import { memoryStore } from '../../store/index.ts';
import { loadWorkerConfig } from '../../worker/index.ts';
import { createModelWorkers } from '../../worker/model-workers.ts';
import { putRound } from '../models/journal.ts';
import { type FaultServer, startFaultServer } from '../support/fault-server.ts';
import '../support/quiet-worker.ts';
import { temporalAddress, workflowBundlePath } from '../support/shared-server.ts';

// Scope: the limit of rate of one model over several workers, each with a limiter of its own.

const QUEUE = `model-queues-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), 'rlm-queues-'));
const store = memoryStore();
const CALLS = 16;
const PER_SECOND = 2;

let server: FaultServer;
let connections: NativeConnection[] = [];
let clientConnection: Connection;
let running: { workers: Worker[]; ended: Promise<void[]> } | undefined;

beforeAll(async () => {
  server = await startFaultServer(() => ({ kind: 'reply' }));
  clientConnection = await Connection.connect({ address: temporalAddress() });
  const path = join(folder, 'rlm.config.json');
  const slow = {
    baseUrl: server.baseUrl,
    keyVariable: null,
    prices: { inputUsdPerMTok: 0, outputUsdPerMTok: 0 },
    rateLimits: { requestsPerMinute: 60 * PER_SECOND },
  };
  writeFileSync(path, JSON.stringify({ root: 'slow', models: { slow } }));
  // One client takes one worker a queue: as in two processes, each has its own.
  const address = temporalAddress();
  const own = await NativeConnection.connect({ address });
  const other = await NativeConnection.connect({ address });
  connections = [own, other];
  const on = (connection: NativeConnection) =>
    ({ connection, namespace: 'default', shutdownGraceTime: '1s' }) as const;
  const config = loadWorkerConfig({ RLM_TASK_QUEUE: QUEUE, RLM_HOME: folder });
  const registry = () => loadRegistry({ RLM_CONFIG: path });
  const workers = await Promise.all([
    ...createModelWorkers(on(own), config, { store, registry: registry() }),
    ...createModelWorkers(on(other), config, { store, registry: registry() }),
    Worker.create({
      ...on(own),
      taskQueue: QUEUE,
      workflowBundle: { codePath: workflowBundlePath() },
      activities: createMainActivities({
        store,
        registry: registry(),
        runtime: 'none',
        taskQueue: QUEUE,
        mcp: new McpServers({}),
      }),
    }),
  ]);
  running = { workers, ended: Promise.all(workers.map((worker) => worker.run())) };
}, 60_000);

afterAll(async () => {
  for (const worker of running?.workers ?? []) worker.shutdown();
  await running?.ended;
  await clientConnection.close();
  for (const connection of connections) await connection.close();
  await server.close();
  rmSync(folder, { recursive: true });
}, 60_000);

test('two workers together keep the requests a minute of a model', async () => {
  const prompts = Array.from({ length: CALLS }, (_, at) => `call ${at}`);
  const journal = await putRound(store, null, prompts);
  const registry = loadRegistry({ RLM_CONFIG: join(folder, 'rlm.config.json') });
  const card = await registry.card(null, 'sub', { taskQueue: modelTaskQueue(QUEUE) });
  const input: CallBatchInput = {
    key: { workflowId: 'run-1', cell: '1.1', cellAttempt: 1 },
    journal,
    calls: [[1, CALLS]],
    round: { firstCall: 1, callCount: CALLS },
    promptBytes: 10,
    card,
    concurrency: CALLS,
    allowance: { calls: CALLS, costUsd: 1, tokens: null, computeMs: null },
  };
  const client = new Client({ connection: clientConnection });
  const result: CallBatchResult = await client.workflow.execute(CALL_BATCH_WORKFLOW, {
    workflowId: `batch-${QUEUE}`,
    taskQueue: QUEUE,
    args: [input],
  });
  expect(result).toMatchObject({ failed: [], unasked: [] });
  expect(server.requests).toHaveLength(CALLS);
  const [first, last] = [server.requests[0]?.atMs ?? 0, server.requests.at(-1)?.atMs ?? 0];
  const seconds = (last - first) / 1000;
  process.stdout.write(
    `${CALLS} calls at ${PER_SECOND} a second by two workers: ${seconds.toFixed(1)} s\n`,
  );
  // Without the limit of the queue two limiters would let them through in half the time. The server's first second may hold a burst.
  expect(seconds).toBeGreaterThan((CALLS / PER_SECOND) * 0.7);
}, 60_000);
