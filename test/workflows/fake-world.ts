import { randomUUID } from 'node:crypto';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { Activities } from '../../activities/index.ts';
import { type RunRequest, RlmClient } from '../../client/index.ts';
import {
  type AnswerCallInput,
  type CallRanges,
  type CellOutcome,
  type CompactTranscriptInput,
  type CheckArgumentsInput,
  type CheckArgumentsResult,
  type FindAnsweredInput,
  type ForkPoint,
  type ModelCard,
  type NextTurnInput,
  type NextTurnResult,
  type RecordSubRunInput,
  type ResolvedSpec,
  type ReuseAnswersInput,
  type RunCellInput,
  type RunSpec,
  type Spend,
} from '../../protocol/index.ts';
import { memoryStore, putJson, putText, type Store, textRefOf } from '../../store/index.ts';
import { temporalAddress, workflowBundlePath } from '../support/shared-server.ts';
import '../support/quiet-worker.ts';
import { CARD, finished, freshState } from './states.ts';

/** What the scripted rooms do. Each is asked once per activity attempt. */
export interface Script {
  /** Python blocks of the reply of a turn. */
  reply(input: NextTurnInput): string[] | Promise<string[]>;
  cell(input: RunCellInput): CellOutcome | Promise<CellOutcome>;
  /** What is special about the models. */
  root?: Partial<ModelCard>;
  sub?: Partial<ModelCard>;
  /** Names of further models. */
  others?: string[];
  /** What else a turn gives than its cells. */
  turn?(input: NextTurnInput): Partial<NextTurnResult>;
  compact?(input: CompactTranscriptInput): Promise<string>;
  /** May say what the call cost in dollars. */
  answer?(input: AnswerCallInput): number | void | Promise<number | void>;
  check?(): string[];
  /** Problems of the citations of a draft, two in all. */
  cite?(citations: string): string[];
  seal?(): void;
  reuse?(input: ReuseAnswersInput): CallRanges;
  /** Calls of a lost batch whose answers are stored. */
  answered?(input: FindAnsweredInput): CallRanges;
  resolve?(spec: RunSpec): void | Promise<void>;
  /** The step that a run with `from` starts from. */
  fork?(): Promise<ForkPoint>;
  /** What else the spec is resolved to. */
  resolved?: Partial<ResolvedSpec>;
  store?(): void;
  checkArguments?(input: CheckArgumentsInput): CheckArgumentsResult;
  recordSubRun?(input: RecordSubRunInput): void;
  toolResult?(call: number, result: unknown): void;
  mcp?(call: number): void;
  /** Workers that keep kernels, by the names of their queues. */
  hosts?: Record<string, (input: RunCellInput) => CellOutcome | Promise<CellOutcome>>;
  /** Activities of a caller, on the run's own queue. */
  tools?: Record<string, (args: unknown) => unknown>;
}

export interface World {
  client: RlmClient;
  store: Store;
  /** Every input of `runCell`, in order. */
  cells: RunCellInput[];
  turns: NextTurnInput[];
  sealed: string[];
  /** What `checkCitations` was asked. */
  looked: { citations: string; manifests: string[] }[];
  run: (request?: Partial<RunRequest>) => ReturnType<RlmClient['run']>;
  /** Shuts down the workers that keep kernels; steps that run on them are cancelled. */
  stopHosts(): void;
  close(): Promise<void>;
}

/** Real workflows and a real server; models, kernels and store are scripted stand-ins, so that a test can make them slow or broken at will. */
export async function openWorld(script: Script, address = temporalAddress()): Promise<World> {
  const store = memoryStore();
  const looked: World['looked'] = [];
  const [cells, turns, sealed]: [RunCellInput[], NextTurnInput[], string[]] = [[], [], []];
  const { resolved } = freshState();
  // One queue a world: workers of tests that run at the same time must not take each other's work.
  const queue = `test-${randomUUID()}`;
  const card = { ...CARD, taskQueue: queue };
  const image = finished().image;
  const subRuns = new Map<string, Spend>();
  const activities: Activities = {
    resolveSpec: async (spec) => {
      await script.resolve?.(spec);
      return {
        ...resolved,
        root: { ...card, standIn: true, ...script.root },
        sub: { ...card, name: 'sub-model', ...script.sub },
        ...(script.others && { others: script.others.map((name) => ({ ...card, name })) }),
        replQueue: queue,
        budget: { ...resolved.budget, ...spec.budget },
        ...(script.tools && {
          tools: {
            toolbox: image.blob,
            routes: Object.keys(script.tools).map((name) => ({
              kind: 'activity' as const,
              name,
              activity: name,
              taskQueue: queue,
              timeoutMs: 2000,
              attempts: 2,
            })),
          },
        }),
        ...(script.fork && { from: await script.fork() }),
        maxDepth: spec.maxDepth ?? 1,
        concurrency: spec.concurrency ?? 64,
        ...(spec.cache === undefined ? {} : { cache: spec.cache }),
        ...script.resolved,
      };
    },
    ingest: async () => ({ manifest: image.blob, totalChars: 0, entryCount: 0 }),
    openRepl: async () => ({ image, computeMs: 1 }),
    nextTurn: async (input) => {
      turns.push(input);
      const blocks = await script.reply(input);
      return {
        transcript: image.blob,
        reply: textRefOf('reply'),
        cells: await Promise.all(blocks.map((block) => putText(store, block))),
        ignoredBlocks: [],
        usage: { ...NO_COST, costUsd: 0.01 },
        repeated: false,
        finishReason: 'stop',
        ...script.turn?.(input),
      };
    },
    runCell: async (input) => {
      cells.push(input);
      return script.cell(input);
    },
    compactTranscript: async (input) => ({
      transcript: (await script.compact?.(input)) ?? input.transcript,
      usage: { ...NO_COST, costUsd: 0.02 },
      repeated: false,
    }),
    answerCall: async (input) => {
      const costUsd = (await script.answer?.(input)) ?? 0.001;
      return { status: 'ok', usage: { ...NO_COST, costUsd }, repeated: false };
    },
    checkAnswer: async () => {
      const problems = script.check?.() ?? [];
      return { ok: problems.length === 0, problems };
    },
    checkCitations: async ({ citations, manifests }) => {
      looked.push({ citations: citations.digest, manifests });
      const problems = script.cite?.(citations.digest) ?? [];
      const verified = problems.length === 0;
      const report = { citations: [{ input: 'a', quote: 'x', verified }] };
      const { digest } = await putJson(store, report);
      return { report: digest, total: 2, verified: 2 - problems.length, problems };
    },
    checkArguments: async (input) => script.checkArguments?.(input) ?? { kind: 'call', json: '{}' },
    recordToolResult: async ({ call, result }) => script.toolResult?.(call, result),
    callMcpTool: async ({ call }) => script.mcp?.(call),
    collectGarbage: async ({ dryRun }) => ({ ...COLLECTED, dryRun }),
    storeValue: async ({ text = '', blob }) => {
      script.store?.();
      return blob ?? (await putText(store, text));
    },
    findAnswer: async ({ key, call }) => ({
      spend: subRuns.get(`${key.workflowId} ${key.cell} ${call}`) ?? null,
    }),
    recordSubRun: async (input) => {
      const { key, call, spend } = input;
      script.recordSubRun?.(input);
      subRuns.set(`${key.workflowId} ${key.cell} ${call}`, spend);
    },
    reuseAnswers: async (input) => ({ reused: script.reuse?.(input) ?? [] }),
    findAnswered: async (input) => ({ answered: script.answered?.(input) ?? [] }),
    sealTrail: async ({ workflowId }) => {
      script.seal?.();
      sealed.push(workflowId);
      return { trail: image.blob, events: 1 };
    },
  };
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    taskQueue: queue,
    workflowBundle: { codePath: workflowBundlePath() },
    activities: { ...activities, ...script.tools },
  });
  const workers = [worker];
  for (const [taskQueue, runCell] of Object.entries(script.hosts ?? {})) {
    const shutdown = { shutdownGraceTime: 0, maxHeartbeatThrottleInterval: '100ms' } as const;
    workers.push(
      await Worker.create({ connection, taskQueue, activities: { runCell }, ...shutdown }),
    );
  }
  const running = Promise.all(workers.map((each) => each.run()));
  const client = await RlmClient.connect({ address, store, taskQueue: queue });
  return {
    client,
    store,
    cells,
    turns,
    sealed,
    looked,
    run: (request = {}) => client.run({ question: 'Why?', input: 'text', ...request }),
    stopHosts: () => {
      for (const host of workers.slice(1)) if (host.getState() === 'RUNNING') host.shutdown();
    },
    close: async () => {
      for (const each of workers) if (each.getState() === 'RUNNING') each.shutdown();
      await running;
      await client.close();
      await connection.close();
    },
  };
}

/** Of an empty store. */
const COLLECTED = {
  roots: 0,
  forgotten: 0,
  unknown: 0,
  blobs: 0,
  storedBytes: 0,
  discarded: 0,
  discardedBytes: 0,
  young: 0,
  unrooted: 0,
  waiting: 0,
  restored: 0,
};

const NO_COST = {
  inputTokens: 1,
  cachedInputTokens: 0,
  outputTokens: 1,
  costUsd: 0,
  estimated: false,
};
