import {
  CliError,
  type EmbeddedHandle,
  homeFrom,
  liveView,
  openEmbedded,
  runUrl,
  startWorkerProcess,
  watchToEnd,
  type WorkerProcess,
} from '../../cli/index.ts';
import { RlmClient, type RunAnswer, type RunRequest, type StartedRun } from '../../client/index.ts';
import { buildCompendium, type Compendium } from './compendium.ts';
import {
  type CellPair,
  countRepeats,
  countTriedAgain,
  eventsOf,
  pairCells,
  trailOf,
} from './demo-check.ts';
import { type Kill, killHalfway } from './demo-kill.ts';
import { type DemoModel, openDemoModel } from './demo-model.ts';
import type { DemoReport } from './demo-report.ts';
import { rerunSteps } from './demo-rerun.ts';
import { setupMs } from './demo-setup-time.ts';
import { splitTime } from './demo-time-split.ts';
import { DEMO_QUESTION } from './question.ts';

/** Sub-calls in flight at once: few enough that a round of some dozens can be interrupted in its middle. */
const CONCURRENCY = 10;

export interface DemoOptions {
  /** Workflow id of the run that is killed. */
  id: string;
  say: (line: string) => void;
  /** Log of the processes that the demo starts. */
  log: (line: string) => void;
}

/** What the demo has started and must end, whatever happens. */
interface Stage extends DemoOptions {
  model: DemoModel;
  server: EmbeddedHandle;
  client: RlmClient;
  compendium: Compendium;
  workers: WorkerProcess[];
  times: { serverMs: number; workerMs: number; inputMs: number };
}

/**
 * Runs the whole demo: real text, real server, real kernel, and a worker that is killed half-way through the
 * first parallel round. Leaves the runs in `RLM_HOME` and nothing running. Throws what went wrong in one sentence.
 */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const { say } = options;
  const model = await openDemoModel();
  const stop: (() => Promise<void>)[] = [() => model.close()];
  try {
    if (model.standIn) {
      say(
        'No OPENAI_API_KEY: a stand-in model server answers. It has NO INTELLIGENCE: its steps are',
      );
      say(
        'scripted and its answers are sentences copied out of the text. All else is the real thing.',
      );
    }
    const home = homeFrom(process.env);
    say(`Starting a Temporal server and a worker on ${home.dir} …`);
    const [server, serverMs] = await timed(() => openEmbedded(home, options.log));
    stop.push(() => server.release());
    if (!server.owned) {
      throw new CliError(
        `Another rlm command uses ${home.dir} (npm run ui?): end it first, because its worker would go on when the demo kills its own.`,
      );
    }
    const client = await RlmClient.connect({ address: server.address, store: home.storeLocation });
    stop.push(() => client.close());
    const [compendium, inputMs] = await timed(() => Promise.resolve(buildCompendium()));
    const workers: WorkerProcess[] = [];
    stop.push(() => Promise.all(workers.map((worker) => worker.stop())).then(() => undefined));
    const times = { serverMs, workerMs: 0, inputMs };
    return await act({ ...options, model, server, client, compendium, workers, times });
  } finally {
    // In the opposite order: workers before the server that they poll.
    for (const end of stop.toReversed()) await end();
  }
}

async function act(stage: Stage): Promise<DemoReport> {
  const { say, client, compendium } = stage;
  const [worker, workerMs] = await timed(() => addWorker(stage));
  stage.times.workerMs = workerMs;
  const request = requestOf(compendium);
  const [disturbed, storedMs] = await timed(() => client.start(request, { workflowId: stage.id }));
  stage.times.inputMs += storedMs;
  say(
    `The contract: ${compendium.pages.toLocaleString('en')} pages, ${compendium.sections.length} sections; ${Object.keys(compendium.priorAgreements).length} prior agreements.`,
  );
  say(`Run ${stage.id}${pageOf(stage) === null ? '' : ` · ${pageOf(stage)}`}`);

  const view = liveView(process.stderr);
  const kill = await killHalfway(client, stage.id, worker, {
    view,
    log: () => stage.model.log(),
  });
  if (kill !== null) {
    view.note(
      `KILLED worker ${kill.worker} and kernel host ${kill.kernelHosts.join(', ')} (SIGKILL) after ${kill.answered} of ${kill.total} sub-calls; another worker starts`,
    );
    await addWorker(stage);
    view.note('the other worker goes on; lost calls are noticed when their heartbeat is missed');
  }
  // The undisturbed run goes on the same worker while the other one waits for its lost calls.
  const other = stage.model.standIn
    ? await client.start(request, { workflowId: `${stage.id}-undisturbed` })
    : null;
  const [answer, otherAnswer] = await Promise.all([
    watchToEnd(client, stage.id, view),
    other === null ? null : client.result(other.workflowId),
  ]);
  return reportOf(stage, { disturbed, other, answer, otherAnswer, kill });
}

async function addWorker({ model, server, workers, log }: Stage): Promise<WorkerProcess> {
  const worker = await startWorkerProcess({
    env: { ...model.env, TEMPORAL_ADDRESS: server.address, TEMPORAL_NAMESPACE: 'default' },
    onLog: log,
  });
  workers.push(worker);
  return worker;
}

function requestOf({ contract, priorAgreements }: Compendium): RunRequest {
  return {
    question: DEMO_QUESTION,
    input: { contract, prior_agreements: priorAgreements },
    concurrency: CONCURRENCY,
    // Two runs of this request are equal, step by step, as long as the models answer equally.
    seed: 'demo',
    clock: { startMs: Date.UTC(2026, 0, 1), stepMs: 1000 },
  };
}

async function timed<T>(step: () => Promise<T>): Promise<[T, number]> {
  const from = performance.now();
  const value = await step();
  return [value, performance.now() - from];
}

interface Outcome {
  disturbed: StartedRun;
  other: StartedRun | null;
  answer: RunAnswer;
  otherAnswer: RunAnswer | null;
  kill: Kill | null;
}

async function reportOf(stage: Stage, outcome: Outcome): Promise<DemoReport> {
  const { client, model, times } = stage;
  const { answer, otherAnswer, kill } = outcome;
  const { result } = answer;
  const trail = await trailOf(client, outcome.disturbed);
  const otherTrail = outcome.other === null ? null : await trailOf(client, outcome.other);
  const events = eventsOf(trail);
  const log = await model.log();
  const runs = otherAnswer === null ? [answer] : [answer, otherAnswer];
  const totalMs = performance.now();
  const cells: CellPair[] =
    otherTrail === null ? await rerunSteps(client.store, events) : pairCells(trail, otherTrail);
  return {
    workflowId: stage.id,
    reason: result.reason,
    answer: answer.answer,
    standIn: result.models.standIn,
    models: result.models,
    spend: result.spend,
    pages: stage.compendium.pages,
    kill,
    repeats: kill === null || log === null ? null : countRepeats(log, events, runs, kill),
    triedAgain: countTriedAgain(trail),
    comparedWith: otherTrail === null ? 're-executed steps' : 'undisturbed run',
    cells,
    digestsEqual: cells.length > 0 && cells.every((pair) => pair.heapDigest === pair.undisturbed),
    times: {
      ...times,
      setupMs: await setupMs(),
      run: splitTime(events),
      undisturbed: otherTrail === null ? null : splitTime(eventsOf(otherTrail)),
      totalMs,
    },
    webUi: pageOf(stage),
  };
}

function pageOf({ server, id }: Stage): string | null {
  return server.uiUrl === null ? null : runUrl(server.uiUrl, 'default', id);
}
