import { setTimeout as sleep } from 'node:timers/promises';
import type { RlmClient, RunAnswer, RunRequest } from '../../client/index.ts';
import { type ChaosWorld, openChaosWorld, type WorldOptions } from './chaos-world.ts';
import { type Disturbance, disturb } from './disturb.ts';
import { planOf } from './plan.ts';
import { type CallCount, countCalls, nameOf } from './repeats.ts';
import { factsOf, inspectStore, type RunFacts, type StoreFacts } from './run-facts.ts';
import { scenarioOf, subRunCells } from './scenario.ts';
import { TOOL_SPEC } from './tool-server.ts';

export interface ChaosRunOptions {
  seed: string;
  /** Disturbances to plan. */
  disturbances: number;
  /** Longest outage, in ms. Default 12 s. */
  mostOutageMs?: number;
  /** Parts of the run between its first and last turn. */
  parts?: number;
  say: (line: string) => void;
  log: (line: string) => void;
}

/** What one run came to, beside the undisturbed one of the same seed. */
export interface ChaosRun {
  seed: string;
  parts: readonly string[];
  planned: number;
  disturbances: Disturbance[];
  /** Planned kinds that cannot be made on this machine, with the reason. */
  notPossible: string[];
  calls: Omit<CallCount, 'repeats' | 'afterStored'> & {
    repeats: number;
    byCause: Record<string, number>;
  };
  steps: number;
  stepsAgain: number;
  executions: number;
  toolCalls: { sent: number; distinct: number };
  temporaryFiles: number;
  ms: { undisturbed: number; disturbed: number };
  about: { disk: string; clock: string };
  /** Broken promises, in sentences. Empty: all held. */
  broken: string[];
}

const LATENCY_MS = 120;
/** So short that every run is cut several times. */
const LONG_AFTER_EVENTS = 150;
/** A run that is not at its end by then never will be. */
const PATIENCE_MS = 10 * 60_000;
const WORKERS = 2;

interface Observed {
  facts: RunFacts | null;
  failure: string | null;
  ms: number;
}

/** Runs a scenario undisturbed and disturbed, each in a world of its own, and compares. */
export async function chaosRun(options: ChaosRunOptions): Promise<ChaosRun> {
  const { seed, log } = options;
  const scenario = scenarioOf(seed, options.parts);
  const world: WorldOptions = {
    workers: 1,
    latencyMs: LATENCY_MS,
    longAfterEvents: LONG_AFTER_EVENTS,
    log,
    script: (question, turn) => {
      const cells = question === scenario.question ? scenario.cells : subRunCells(question);
      return cells[turn - 1] ?? 'answer["ready"] = True';
    },
  };
  const calm = await undisturbed(world, scenario.question, seed);
  options.say(
    `undisturbed: ${(calm.ms / 1000).toFixed(1)} s, ${calm.facts.steps.length} steps, ${calm.prompts.size} calls`,
  );
  const plan = planOf(seed, options.disturbances, options.mostOutageMs);
  const stage = await openChaosWorld({ ...world, workers: WORKERS, ownDisk: true });
  const broken: string[] = [];
  let seen: Observed;
  let store: StoreFacts;
  let disturbances: Disturbance[];
  const notPossible: string[] = [];
  let end: () => Promise<void> = () => stage.stop();
  try {
    const possible = plan.filter(({ kind, number }) => {
      if (stage.disk.possible || !kind.endsWith('disk')) return true;
      notPossible.push(`#${number} ${kind}: ${stage.disk.about}`);
      return false;
    });
    const run = {
      ended: false,
      onDone: (done: Disturbance) => options.say(nameOf(done)),
    };
    const making = disturb(stage, possible, calm.prompts.size, run);
    seen = await observed(stage, scenario.question, seed);
    run.ended = true;
    disturbances = await making;
    if (seen.facts !== null) broken.push(...(await stillOpen(stage.client)));
    end = () => Promise.resolve();
    await stage.stop();
    broken.push(...(await stage.leftovers()).map((process) => `still running: ${process}`));
    store = await inspectStore(stage.storeFolder);
  } finally {
    await end();
    await stage.close();
  }
  const calls = countCalls(stage.model.requests, store.answers, disturbances);
  broken.push(...differences(calm, seen, stage), ...store.broken, ...stage.crew.accidents);
  broken.push(...calls.afterStored);
  for (const { prompt, kind, because } of calls.repeats) {
    if (because === null)
      broken.push(`${kind} call ${prompt} was repeated, and nothing explains it`);
  }
  const byCause: Record<string, number> = {};
  for (const { because } of calls.repeats) {
    if (because !== null) byCause[because] = (byCause[because] ?? 0) + 1;
  }
  const texts = stage.tools.calls.map(({ text }) => text);
  return {
    seed,
    parts: scenario.parts,
    planned: plan.length,
    disturbances,
    notPossible,
    calls: { sent: calls.sent, distinct: calls.distinct, repeats: calls.repeats.length, byCause },
    steps: seen.facts?.steps.length ?? 0,
    stepsAgain: seen.facts?.stepsAgain ?? 0,
    executions: seen.facts?.executions ?? 0,
    toolCalls: { sent: texts.length, distinct: new Set(texts).size },
    temporaryFiles: store.temporary,
    ms: { undisturbed: calm.ms, disturbed: seen.ms },
    about: { disk: stage.disk.about, clock: stage.clock.about },
    broken,
  };
}

interface Calm {
  facts: RunFacts;
  prompts: Set<string>;
  tools: Set<string>;
  ms: number;
}

async function undisturbed(options: WorldOptions, question: string, seed: string): Promise<Calm> {
  const world = await openChaosWorld(options);
  try {
    const { facts, failure, ms } = await observed(world, question, seed);
    if (facts === null) throw new Error(`The undisturbed run of seed ${seed} failed: ${failure}`);
    const prompts = new Set(world.model.requests.map(({ prompt }) => prompt));
    const tools = new Set(world.tools.calls.map(({ text }) => text));
    return { facts, prompts, tools, ms };
  } finally {
    await world.stop();
    await world.close();
  }
}

function requestOf(question: string, seed: string): RunRequest {
  return {
    question,
    input: 'Some text. '.repeat(2000),
    seed,
    clock: { startMs: Date.UTC(2026, 0, 1), stepMs: 1000 },
    tools: [TOOL_SPEC],
    budget: { turns: 30 },
    concurrency: 8,
  };
}

/** Starts the run and waits for its end, through any loss of the server. */
async function observed(world: ChaosWorld, question: string, seed: string): Promise<Observed> {
  const from = performance.now();
  const { client } = world;
  const until = Date.now() + PATIENCE_MS;
  const ms = (): number => performance.now() - from;
  const { workflowId } = await client.start(requestOf(question, seed), { workflowId: 'chaos' });
  for (;;) {
    try {
      const answer: RunAnswer = await world.client.result(workflowId);
      const took = ms();
      return { facts: await factsOf(client, answer), failure: null, ms: took };
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      const isOver = name === 'RunFailed' || name === 'RunCancelled' || Date.now() > until;
      if (isOver) return { facts: null, failure: `${name}: ${message}`, ms: ms() };
      await sleep(200);
    }
  }
}

const CLOSED_WITHIN_MS = 5000;

/** Executions that the server still has open; its index may be a moment behind. */
async function stillOpen(client: RlmClient): Promise<string[]> {
  for (const until = Date.now() + CLOSED_WITHIN_MS; ;) {
    const open: string[] = [];
    for await (const { workflowId } of client.temporal.workflow.list({
      query: "ExecutionStatus = 'Running'",
    })) {
      open.push(`still open on the server: ${workflowId}`);
    }
    if (open.length === 0 || Date.now() > until) return open;
    await sleep(200);
  }
}

function differences(calm: Calm, { facts, failure }: Observed, world: ChaosWorld): string[] {
  if (facts === null) return [`the run failed: ${failure}`];
  const found: string[] = [];
  for (const name of ['answer', 'reason', 'calls', 'turns'] as const) {
    const [want, got] = [calm.facts[name], facts[name]];
    if (want !== got) found.push(`its ${name} is ${String(got)}, undisturbed ${String(want)}`);
  }
  const [want, got] = [calm.facts.steps.toSorted(), facts.steps.toSorted()];
  for (const step of want.filter((each) => !got.includes(each)))
    found.push(`missing step: ${step}`);
  for (const step of got.filter((each) => !want.includes(each))) found.push(`other step: ${step}`);
  if (want.length !== got.length) found.push(`${got.length} steps, undisturbed ${want.length}`);
  const prompts = new Set(world.model.requests.map(({ prompt }) => prompt));
  const tools = new Set(world.tools.calls.map(({ text }) => text));
  found.push(...difference('model call', calm.prompts, prompts));
  found.push(...difference('tool call', calm.tools, tools));
  return found;
}

function difference(what: string, want: Set<string>, got: Set<string>): string[] {
  return [
    ...[...want].filter((name) => !got.has(name)).map((name) => `${what} ${name} was never made`),
    ...[...got]
      .filter((name) => !want.has(name))
      .map((name) => `${what} ${name} is none of the undisturbed run`),
  ];
}
