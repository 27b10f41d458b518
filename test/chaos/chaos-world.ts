import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { homeFrom } from '../../cli/index.ts';
import { RlmClient } from '../../client/index.ts';
import {
  promptDigest,
  type ScriptedMessage,
  type ScriptedModel,
  startScriptedModel,
} from '../../examples/support/scripted-model.ts';
import { prepareBaseImage } from '../../repl/index.ts';
import { type EmbeddedServer, startEmbeddedServer } from '../../worker/index.ts';
import { type Crew, openCrew } from './crew.ts';
import { type ChaosDisk, openChaosDisk } from './disk.ts';
import { type ModelLink, openModelLink } from './model-link.ts';
import { listProcesses, signalTo } from './processes.ts';
import { openToolServer, type ToolServer } from './tool-server.ts';
import { openWorkerClock, type WorkerClock } from './worker-clock.ts';

/** Everything that a run needs, in processes that can be killed. */
export interface ChaosWorld {
  readonly folder: string;
  readonly storeFolder: string;
  readonly cacheFolder: string;
  readonly client: RlmClient;
  readonly model: ScriptedModel;
  readonly link: ModelLink;
  readonly tools: ToolServer;
  readonly crew: Crew;
  readonly disk: ChaosDisk;
  readonly clock: WorkerClock;
  serverPid(): number;
  /** Kills the server with SIGKILL and starts it again on its database after `downMs`. */
  killServer(downMs: number): Promise<number>;
  /** Ends the workers and the server. The store stays until `close`. */
  stop(): Promise<void>;
  /** Processes of this world that still run. */
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

export interface WorldOptions {
  workers: number;
  /** Python of the root model's reply, by question and turn. */
  script: (question: string, turn: number) => string;
  latencyMs: number;
  log: (line: string) => void;
  /** Besides those that chaos sets; for the workers. */
  env?: NodeJS.ProcessEnv;
  /** Histories are cut after this many events. */
  longAfterEvents?: number;
  /** A disk that can be disturbed. */
  ownDisk?: boolean;
}

const QUESTION = /Q:[^\n]*/;
/** Of what this process was started with, workers get nothing that would lead them elsewhere. */
const OWN = /^(OPENAI|RLM|TEMPORAL|NODE_OPTIONS|JEST)/;

/** Opens a world in a folder of its own. */
export async function openChaosWorld(options: WorldOptions): Promise<ChaosWorld> {
  const { log } = options;
  const folder = await mkdtemp(join(tmpdir(), 'rlm-chaos-'));
  const disk =
    options.ownDisk === true
      ? await openChaosDisk(join(folder, 'disk'))
      : plainDisk(join(folder, 'disk'));
  const storeFolder = join(disk.folder, 'store');
  const cacheFolder = join(folder, 'cache');
  await copyCaches(cacheFolder);
  const clock = await openWorkerClock(folder);
  const model = await startScriptedModel({
    root: (messages, turn) => rootReply(options.script, messages, turn),
    sub: (prompt) => `Answer to q${promptDigest([{ role: 'user', content: prompt }])}.`,
    latencyMs: options.latencyMs,
  });
  const link = await openModelLink(model.port);
  let server = await startServer(folder, options, log);
  const [port, uiPort] = [server.address, server.uiUrl ?? ''].map((url) =>
    Number(/\d+$/.exec(url)?.[0]),
  );
  const { address } = server;
  const tools = await openToolServer(address);
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OWN.test(name)));
  const crew = await openCrew({
    seats: options.workers,
    log,
    // A server, a store or a base image that is away for a moment.
    isExpected: (words) => /No Temporal server|store|directory/.test(words),
    envOf: (key) => ({
      ...env,
      ...clock.env,
      RLM_HOME: folder,
      RLM_STORE: storeFolder,
      RLM_CACHE_DIR: cacheFolder,
      RLM_WARM_KERNELS: '1',
      TEMPORAL_ADDRESS: address,
      OPENAI_BASE_URL: link.baseUrl,
      OPENAI_API_KEY: key,
      RLM_MODEL: 'stand-in-root',
      // Without "sub" in it: sub-runs have it as their root model, and are told apart by their system message.
      RLM_SUB_MODEL: 'stand-in-helper',
      ...options.env,
    }),
  });
  const client = await RlmClient.connect({ address, store: storeFolder, taskQueue: 'rlm' });
  return {
    folder,
    storeFolder,
    cacheFolder,
    client,
    model,
    link,
    tools,
    crew,
    disk,
    clock,
    serverPid: () => server.pid,
    killServer: async (downMs) => {
      const { pid } = server;
      signalTo(pid, 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, downMs));
      server = await startServer(folder, { ...options, port, uiPort }, log);
      return pid;
    },
    stop: async () => {
      await crew.stop();
      await tools.close();
      await client.close();
      await link.close();
      await model.close();
      await server.stop();
    },
    leftovers: async () =>
      (await listProcesses())
        .filter(({ pid, command }) => command.includes(folder) || crew.pids.includes(pid))
        .map(({ pid, command }) => `${pid} ${command.slice(0, 200)}`),
    close: async () => {
      await disk.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function rootReply(
  script: WorldOptions['script'],
  messages: readonly ScriptedMessage[],
  turn: number,
): string {
  const question = messages.map(({ content }) => QUESTION.exec(content)?.[0]).find(Boolean);
  return `Step q${promptDigest(messages)}.\n\`\`\`python\n${script(question ?? '', turn)}\n\`\`\``;
}

function startServer(
  folder: string,
  { longAfterEvents, port, uiPort }: WorldOptions & { port?: number; uiPort?: number },
  log: (line: string) => void,
): Promise<EmbeddedServer> {
  return startEmbeddedServer({
    dbFile: join(folder, 'temporal.db'),
    ...(port === undefined ? {} : { port }),
    ...(uiPort === undefined ? {} : { uiPort }),
    ...(longAfterEvents === undefined
      ? {}
      : { dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': longAfterEvents } }),
    log,
  });
}

/** The world's own base image and bundle, so that they can be deleted. */
async function copyCaches(to: string): Promise<void> {
  const { cacheDir } = homeFrom(process.env);
  const { path } = await prepareBaseImage({ cacheDir });
  await mkdir(to, { recursive: true });
  await cp(path, join(to, basename(path)), { recursive: true });
  await cp(join(cacheDir, 'workflows'), join(to, 'workflows'), { recursive: true }).catch(
    () => undefined,
  );
}

function plainDisk(folder: string): ChaosDisk {
  const nothing = (): Promise<void> => Promise.resolve();
  const about = "a folder of the machine's disk";
  return { folder, about, possible: false, fill: nothing, makeReadOnly: nothing, close: nothing };
}
