import { type Figure, figure, median } from '../figure.ts';
import type { BenchWorld, MeasuredRun, TimedEvent } from './bench-world.ts';

const STEPS = 30;
/** Steps of a run until its kernel is warm. */
const WARM_UP = 3;
const SAMPLES = 3;

const STARTED = 'activityTaskStartedEventAttributes';
const COMPLETED = 'activityTaskCompletedEventAttributes';

/** From the stop of the first cell at its calls to the schedule of its last step: the calls, and the steps between them. */
function callingMs(events: readonly TimedEvent[]): number {
  const first = events.findIndex(({ name }) => name === 'runCell');
  const stopped = events.slice(first).find(({ type }) => type === COMPLETED);
  const last = lastStep(events);
  return (events[last]?.atMs ?? 0) - (stopped?.atMs ?? 0);
}

/** From the start of the first cell to its end. */
function cellMs(events: readonly TimedEvent[]): number {
  const first = events.find(({ name }) => name === 'runCell');
  const ended = events.slice(lastStep(events)).find(({ type }) => type === COMPLETED);
  return (ended?.atMs ?? 0) - (first?.atMs ?? 0);
}

/** Where the last step of the first turn's cell was scheduled. */
function lastStep(events: readonly TimedEvent[]): number {
  const turns = events.flatMap(({ name }, at) => (name === 'nextTurn' ? [at] : []));
  return events.slice(0, turns[1]).findLastIndex(({ name }) => name === 'runCell');
}

/** Times of each turn: from the schedule of one `nextTurn` to that of the next. */
function turnsMs(events: readonly TimedEvent[]): number[] {
  const at = events.filter(({ name }) => name === 'nextTurn').map(({ atMs }) => atMs);
  return at.slice(1).map((ms, i) => ms - (at[i] ?? 0));
}

/** Times of an activity of a run that does one thing after another: from its start to its end. */
function activityMs(events: readonly TimedEvent[], activity: string): number[] {
  return events.flatMap(({ name }, at) => {
    if (name !== activity) return [];
    const later = events.slice(at);
    const started = later.find(({ type }) => type === STARTED);
    const ended = later.find(({ type }) => type === COMPLETED);
    return started === undefined || ended === undefined ? [] : [ended.atMs - started.atMs];
  });
}

function perCall(run: MeasuredRun, calls: number): Figure[] {
  return [
    figure({ name: `events a call, of ${calls}`, unit: 'events', runs: [run.eventCount / calls] }),
    figure({
      name: `history a call, of ${calls}`,
      unit: 'KB',
      runs: [run.historyBytes / 1000 / calls],
    }),
  ];
}

/** A model turn and a cell, against two empty activities; and the same beside a large input. */
export async function steps(world: BenchWorld): Promise<Figure[]> {
  const cell = (turn: number): string =>
    turn <= STEPS ? `x = ${turn}` : 'answer.update(content="Done.", ready=True)';
  const request = { budget: { turns: STEPS + 2 } };
  // Workers run for days: the first one is for V8 to compile what is used much.
  await world.run(cell, request);
  await world.floor('waitInSequence', 2 * STEPS, 0);
  const small = await world.run(cell, { ...request, input: 'x'.repeat(1000) });
  const large = await world.run(cell, { ...request, input: 'x'.repeat(100_000_000) });
  const floors: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    floors.push((await world.floor('waitInSequence', 2 * STEPS, 0)) / STEPS);
  }
  const [smallMs, largeMs] = [small, large].map(({ events }) => turnsMs(events).slice(WARM_UP));
  return [
    figure({
      name: 'step: a turn and a cell',
      unit: 'ms',
      runs: smallMs ?? [],
      floor: median(floors),
      target: { ratioAtMost: 2 },
    }),
    figure({
      name: 'of which the turn: a request to the model, and what is stored',
      unit: 'ms',
      runs: activityMs(small.events, 'nextTurn').slice(WARM_UP),
    }),
    figure({
      name: 'of which the cell: Python, its image, and what is stored',
      unit: 'ms',
      runs: activityMs(small.events, 'runCell').slice(WARM_UP),
    }),
    figure({
      name: 'step on an input of 100 MB',
      unit: 'ms',
      runs: largeMs ?? [],
      floor: median(smallMs ?? []),
      target: { ratioAtMost: 3 },
    }),
    figure({ name: 'events a step', unit: 'events', runs: [small.eventCount / STEPS] }),
    figure({ name: 'history a step', unit: 'KB', runs: [small.historyBytes / 1000 / STEPS] }),
  ];
}

/** Calls of 100 ms: 200 at once, and 14 one after another. */
export async function rounds(world: BenchWorld): Promise<Figure[]> {
  world.latencyMs = 100;
  const concurrency = 200;
  const wide: number[] = [];
  const wideCells: number[] = [];
  const wideFloors: number[] = [];
  const chain: number[] = [];
  const chainFloors: number[] = [];
  let last: MeasuredRun | undefined;
  // The first one warms up.
  for (let i = 0; i <= SAMPLES; i++) {
    const round = 'out = llm_query_batched([f"Passage {i}" for i in range(200)])';
    last = await world.run(round, { concurrency });
    const sequence = await world.run('out = [llm_query(f"Passage {i}") for i in range(14)]');
    if (i === 0) continue;
    wide.push(callingMs(last.events));
    wideCells.push(cellMs(last.events));
    wideFloors.push(await world.floor('waitInParallel', 200, 100, concurrency));
    chain.push(callingMs(sequence.events));
    chainFloors.push(await world.floor('waitInSequence', 14, 100));
  }
  world.latencyMs = 0;
  return [
    figure({
      name: 'round of 200 calls of 100 ms',
      unit: 'ms',
      runs: wide,
      floor: median(wideFloors),
      target: { ratioAtMost: 1.3 },
    }),
    figure({
      name: 'cell with a round of 200 calls of 100 ms',
      unit: 'ms',
      runs: wideCells,
      target: { atMost: 800 },
    }),
    figure({
      name: '14 calls of 100 ms, one after another',
      unit: 'ms',
      runs: chain,
      floor: median(chainFloors),
      target: { ratioAtMost: 1.3 },
    }),
    ...(last === undefined ? [] : perCall(last, 200)),
  ];
}

/** 1,000 calls of a second, 500 at a time. */
export async function thousand(world: BenchWorld): Promise<Figure[]> {
  world.latencyMs = 1000;
  const run = await world.run('out = llm_query_batched([f"Passage {i}" for i in range(1000)])', {
    concurrency: 500,
  });
  const floor = await world.floor('waitInParallel', 1000, 1000, 500);
  world.latencyMs = 0;
  return [
    figure({
      name: 'run with 1,000 calls of 1 s, 500 at a time',
      unit: 's',
      runs: [run.wallMs / 1000],
      floor: floor / 1000,
    }),
  ];
}

/** 10,000 calls in one round; and 1,000 one after another in one cell. */
export async function many(world: BenchWorld): Promise<Figure[]> {
  const budget = { calls: 20_000 };
  const wide = await world.run(
    'out = llm_query_batched([f"Passage {i}" for i in range(10_000)])\nassert all(map(ok, out))',
    { budget, concurrency: 500 },
  );
  const chain = await world.run(
    'out = [llm_query(f"Passage {i}") for i in range(1000)]\nassert all(map(ok, out))',
    { budget },
  );
  return [
    ...runFigures('10,000 calls in one round', wide, 10_000),
    ...runFigures('1,000 calls one after another', chain, 1000),
  ];
}

/** 500 turns and 20,000 sub-calls in one run: by hand, it takes long. */
export async function long(world: BenchWorld): Promise<Figure[]> {
  const [turns, calls] = [500, 40];
  const run = await world.run(
    (turn) =>
      turn <= turns
        ? `out = llm_query_batched([f"Passage ${turn} {i}" for i in range(${calls})])`
        : 'answer.update(content="Done.", ready=True)',
    { budget: { calls: turns * calls, turns: turns + 2 } },
  );
  return runFigures(`${turns} turns and ${turns * calls} calls in one run`, run, turns * calls);
}

function runFigures(name: string, run: MeasuredRun, calls: number): Figure[] {
  const made = run.answer.result.spend.calls;
  if (run.answer.result.reason !== 'answered' || made !== calls) {
    throw new Error(`${name}: it ended by ${run.answer.result.reason} after ${made} calls`);
  }
  return [
    figure({ name, unit: 's', runs: [run.wallMs / 1000] }),
    figure({ name: `${name}: a call`, unit: 'ms', runs: [run.wallMs / calls] }),
    figure({ name: `${name}: events of the run`, unit: 'events', runs: [run.eventCount] }),
    figure({ name: `${name}: history of the run`, unit: 'KB', runs: [run.historyBytes / 1000] }),
    figure({ name: `${name}: executions`, unit: 'executions', runs: [run.executions] }),
  ];
}
