import { randomOf, type Random } from './random.ts';

/** What the root model of a run writes: Python of each turn, which follows from the seed. */
export interface Scenario {
  question: string;
  /** Names of the parts, for reports. */
  parts: readonly string[];
  cells: readonly string[];
}

/** Task queue and name of the tool that runs call. */
export const TOOL = { queue: 'chaos-tools', activity: 'measure' } as const;

/** Loops of a long cell: some seconds of compute on a busy machine. */
const LONG_LOOPS = 2_500_000;

type Part = (turn: number, random: Random) => string;

/** Each notes what it got: the answer is made of the notes, so a difference anywhere shows in it. */
const PARTS: Record<string, Part> = {
  round: (turn, random) => `
parts = llm_query_batched([f"round ${turn}.{i}: {random.random()}" for i in range(${random.integer(8, 16)})])
note([str(p) for p in parts])`,
  sequence: (turn, random) => `
for i in range(${random.integer(3, 5)}):
    note(str(llm_query(f"sequence ${turn}.{i}: {seen[-1]}")))`,
  subRuns: (turn, random) => `
tasks = [f"Q: part ${turn}.{i}" for i in range(${random.integer(2, 3)})]
note([str(p) for p in rlm_query_batched(tasks, contexts=[f"context of {task} " * 40 for task in tasks])])`,
  tools: (turn, random) => `
import asyncio
note(measure(f"tool ${turn}: {random.random()}").data)
got = await asyncio.gather(*[measure_async(f"tool ${turn}.{i}") for i in range(${random.integer(2, 5)})])
note([g.data for g in got])`,
  long: (turn, random) => `
x = ${random.integer(1, 1_000_000)}
for _ in range(${LONG_LOOPS}):
    x = (x * 6364136223846793005 + 1442695040888963407) % 2**64
note(x)`,
  longAroundCalls: (turn) => `
x = ${turn}
for i in range(4):
    for _ in range(${Math.floor(LONG_LOOPS / 5)}):
        x = (x * 6364136223846793005 + 1442695040888963407) % 2**64
    note([str(p) for p in llm_query_batched([f"stage ${turn}.{i}.{j}: {x}" for j in range(3)])])`,
  heap: (turn, random) => `
table_${turn} = {f"{i}": hashlib.sha256(f"${turn}.{i}".encode()).hexdigest() for i in range(${random.integer(10, 40)}_000)}
with open("notes-${turn}.txt", "w") as file:
    file.write("\\n".join(seen) * 100)
note(len(open("notes-${turn}.txt").read()))`,
  threads: (turn, random) => `
from concurrent.futures import ThreadPoolExecutor
def ask(i):
    first = llm_query(f"thread ${turn}.{i}")
    return str(llm_query(f"thread ${turn}.{i} again: {first}"))
with ThreadPoolExecutor() as pool:
    note(list(pool.map(ask, range(${random.integer(3, 6)}))))`,
  error: (turn) => `
note(str(llm_query("before error ${turn}")))
raise ValueError("error of turn ${turn}")`,
};

/** Parts that every run has: what must be disturbed is there to be disturbed. */
const ALWAYS = ['round', 'subRuns', 'tools', 'longAroundCalls'];

const OPENING = `
import hashlib, random, time, uuid
seen = []
def note(value):
    seen.append(hashlib.sha256(repr(value).encode()).hexdigest()[:20])
note((random.random(), time.time(), str(uuid.uuid4()), len(input_data)))`;

/** A run of parallel rounds, sub-runs, tools and long cells, whose order and sizes follow from the seed. */
export function scenarioOf(seed: string, partCount = 7): Scenario {
  const random = randomOf(`${seed}/scenario`);
  const others = Object.keys(PARTS);
  const names = [...ALWAYS];
  while (names.length < partCount) names.push(random.pick(others));
  const parts = random.shuffle(names);
  const cells = parts.map(
    (name, i) => (PARTS[name] ?? PARTS['long'])?.(i + 2, random).trim() ?? '',
  );
  const last = 'answer.update(content="|".join(seen) + f" {random.random()}", ready=True)';
  return { question: `Q: chaos ${seed}`, parts, cells: [OPENING.trim(), ...cells, last] };
}

/** Cells of a sub-run, which has a REPL of its own. */
export function subRunCells(question: string): string[] {
  return [
    `import random\ngot = [str(p) for p in llm_query_batched([f"${question}, {i}: {random.random()}" for i in range(3)])]`,
    `import hashlib\nanswer.update(content=hashlib.sha256(repr((got, input_data)).encode()).hexdigest(), ready=True)`,
  ];
}
