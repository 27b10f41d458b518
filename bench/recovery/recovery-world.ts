import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readTrail, type Trail } from '../../audit/index.ts';
import { startWorkerProcess, type WorkerProcess } from '../../cli/index.ts';
import { RlmClient, type RunRequest } from '../../client/index.ts';
import { type ScriptedModel, startScriptedModel } from '../../examples/support/scripted-model.ts';
import { startEmbeddedServer } from '../../worker/index.ts';

/** What the scripted models say; each scenario sets its own. */
export interface Script {
  /** Python of a turn. */
  root: (turn: number) => string | Promise<string>;
  sub: (prompt: string) => string | Promise<string>;
}

export interface StartedScenario {
  workflowId: string;
  /** The run's sealed trail, once it has ended with an answer. */
  trail(): Promise<Trail>;
}

export interface RecoveryWorld {
  script: Script;
  readonly model: ScriptedModel;
  readonly client: RlmClient;
  /** A worker process of its own, with the project's defaults but for `env`. */
  worker(args?: string[], env?: NodeJS.ProcessEnv): Promise<WorkerProcess>;
  start(request?: Partial<RunRequest>): Promise<StartedScenario>;
  /** Writes JSON into the world's folder; returns its path. */
  file(name: string, content: unknown): Promise<string>;
  close(): Promise<void>;
}

/** A server in memory, scripted models in this process, and workers in processes that can be killed. */
export async function openRecoveryWorld(): Promise<RecoveryWorld> {
  const home = await mkdtemp(join(tmpdir(), 'rlm-bench-recovery-'));
  const server = await startEmbeddedServer({ inMemory: true });
  const script: Script = { root: () => '', sub: () => '' };
  const model = await startScriptedModel({
    root: async (_messages, turn) => `\`\`\`python\n${await script.root(turn)}\n\`\`\``,
    sub: (prompt) => script.sub(prompt),
  });
  const store = join(home, 'store');
  const client = await RlmClient.connect({ address: server.address, store });
  const workers: WorkerProcess[] = [];
  const world: Omit<RecoveryWorld, 'script'> = {
    model,
    client,
    worker: async (args = [], env = {}) => {
      const worker = await startWorkerProcess({
        args,
        env: {
          ...process.env,
          TEMPORAL_ADDRESS: server.address,
          RLM_HOME: home,
          RLM_STORE: store,
          RLM_TASK_QUEUE: 'rlm',
          OPENAI_BASE_URL: model.baseUrl,
          RLM_MODEL: 'root-model',
          RLM_SUB_MODEL: 'helper-model',
          ...env,
        },
      });
      workers.push(worker);
      return worker;
    },
    start: async (request = {}) => {
      const { workflowId } = await client.start({ question: 'Bench', input: 'text', ...request });
      return {
        workflowId,
        trail: async () => {
          const { result } = await client.result(workflowId);
          if (result.reason !== 'answered') throw new Error(`the run ended by ${result.reason}`);
          const { runId } = await client.temporal.workflow.getHandle(workflowId).describe();
          return readTrail(client.store, workflowId, runId);
        },
      };
    },
    file: async (name, content) => {
      const path = join(home, name);
      await writeFile(path, JSON.stringify(content));
      return path;
    },
    close: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
      await client.close();
      await model.close();
      await server.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
  return Object.assign(world, { script });
}

/** Looks every 10 ms until something is so. Throws after a minute. */
export async function until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    if (await look()) return;
    await sleep(10);
  }
  throw new Error(`after a minute still not: ${what}`);
}

/** PENDING_ACTIVITY_STATE_STARTED */
const STARTED = 2;

/** Process id of the worker that runs a step of the run now; null when none does. */
export async function stepRunner(
  { client }: Pick<RecoveryWorld, 'client'>,
  workflowId: string,
): Promise<number | null> {
  const { raw } = await client.temporal.workflow.getHandle(workflowId).describe();
  const step = (raw.pendingActivities ?? []).find(
    ({ activityType, state }) => activityType?.name === 'runCell' && Number(state) === STARTED,
  );
  // `pid@machine`
  return step === undefined ? null : Number.parseInt(step.lastWorkerIdentity ?? '', 10);
}
