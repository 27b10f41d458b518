import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promptDigest } from '../../examples/support/scripted-model.ts';
import { type ChaosWorld, openChaosWorld } from './chaos-world.ts';
import { factsOf } from './run-facts.ts';
import { kernelHostsOf, memoryKiB, treeOf } from './processes.ts';

export interface OverloadOptions {
  /** Runs that are started at once. */
  runs: number;
  /** What all processes may take together. */
  memoryMiB: number;
  /** MiB that the heap of a run holds, by its number. */
  heapMiB?: (run: number) => number;
  latencyMs?: number;
  say: (line: string) => void;
  log: (line: string) => void;
}

/** What an overload came to. */
export interface OverloadReport {
  runs: number;
  finished: number;
  memoryMiB: number;
  /** Most that server, worker and kernel hosts took together, pages that they share counted once; … */
  peakMiB: number;
  peaksMiB: Record<string, number>;
  /** … and what the kernels of all runs would take, were each kept. */
  wantedMiB: number;
  seconds: number;
  broken: string[];
}

const MIB = 2 ** 20;
const LOOK_MS = 500;
/** A freshly booted kernel: its heap, and what V8 needs for it. */
const KERNEL_MIB = 70;
/** What a worker gives its kernels by itself on a machine of that size, if that leaves enough for worker and server. */
const KERNEL_SHARE = 0.75;
const OTHERS_MIB = 1000;
const ROUND = 5;
const CHUNK_BYTES = 2048;

/** Starts more runs than there is memory for, and watches what they take. */
export async function overload(options: OverloadOptions): Promise<OverloadReport> {
  const { runs, memoryMiB, say, log } = options;
  const heapMiB = options.heapMiB ?? ((run) => (run % 10 === 0 ? 200 : 10));
  const world = await openChaosWorld({
    workers: 1,
    latencyMs: options.latencyMs ?? 1500,
    log,
    script: (question, turn) => cellOf(Number(/\d+/.exec(question)?.[0]), turn, heapMiB),
    env: { RLM_MEMORY_MIB: String(kernelMiB(memoryMiB)), RLM_MODEL_CONCURRENCY: '200' },
  });
  const killedBefore = await oomKills();
  const from = performance.now();
  const broken: string[] = [];
  let finished = 0;
  let watch: MemoryWatch | undefined;
  let hosts: number[] = [];
  try {
    hosts = await kernelHostsOf(world.crew.pids[0] ?? 0);
    watch = watchMemory(world);
    const { peaks } = watch;
    const told = setInterval(() => {
      say(
        `${finished} of ${runs} runs at their end, ${peaks.now} MiB now, ${peaks.most} MiB at most`,
      );
    }, 10_000);
    const one = async (run: number): Promise<void> => {
      const answer = await world.client
        .run(
          {
            question: `Q: overload ${run}`,
            input: 'Some text.',
            seed: `overload-${run}`,
            limits: { heapMiB: 1024 },
          },
          { workflowId: `overload-${run}` },
        )
        .catch((error: unknown) => String(error));
      if (typeof answer === 'string') broken.push(`run ${run} failed: ${answer}`);
      else if (answer.answer !== expected(run, heapMiB)) {
        const { steps } = await factsOf(world.client, answer);
        broken.push(
          `run ${run} answered ${answer.answer?.slice(0, 60)} (${answer.result.reason}) after ${steps.slice(0, 5).join(', ')}`,
        );
      } else finished += 1;
    };
    await Promise.all(Array.from({ length: runs }, (_, run) => one(run)));
    clearInterval(told);
    const hostsNow = await kernelHostsOf(world.crew.pids[0] ?? 0);
    if (hostsNow.join() !== hosts.join()) {
      broken.push(`the kernel host ${hosts.join()} was replaced by ${hostsNow.join()}`);
    }
  } finally {
    await watch?.stop();
    await world.stop();
    broken.push(...world.crew.accidents, ...(await world.leftovers()));
    await world.close();
  }
  const { most, parts } = watch.peaks;
  if (most > memoryMiB) broken.push(`the processes took ${most} MiB, more than ${memoryMiB}`);
  const killed = (await oomKills()) - killedBefore;
  if (killed > 0) broken.push(`the kernel's memory killer ended ${killed} processes`);
  const wanted = Array.from({ length: runs }, (_, run) => KERNEL_MIB + heapMiB(run));
  return {
    runs,
    finished,
    memoryMiB,
    peakMiB: most,
    peaksMiB: parts,
    wantedMiB: wanted.reduce((sum, each) => sum + each, 0),
    seconds: (performance.now() - from) / 1000,
    broken,
  };
}

function kernelMiB(memoryMiB: number): number {
  return Math.floor(Math.min(memoryMiB * KERNEL_SHARE, memoryMiB - OTHERS_MIB));
}

/** Fills its heap, waits, looks at it again, waits, and answers by what it still holds. */
function cellOf(run: number, turn: number, heapMiB: (run: number) => number): string {
  const chunks = (heapMiB(run) * MIB) / CHUNK_BYTES;
  if (turn === 1) {
    return `
import hashlib
data = [hashlib.sha256(f"${run}.{n % 1000}".encode()).digest() * ${CHUNK_BYTES / 32} for n in range(${chunks})]
got = [str(r) for r in llm_query_batched([f"run ${run}, question {i}" for i in range(${ROUND})])]`;
  }
  if (turn === 2) {
    return `got.append(str(llm_query(f"run ${run}, once more: {len(data)}")))`;
  }
  return `
state = hashlib.sha256()
for piece in data: state.update(piece)
answer.update(content=state.hexdigest()[:16] + " " + " ".join(got), ready=True)`;
}

function expected(run: number, heapMiB: (run: number) => number): string {
  const chunks = (heapMiB(run) * MIB) / CHUNK_BYTES;
  const state = createHash('sha256');
  const pieces = Array.from({ length: 1000 }, (_, n) => {
    const digest = createHash('sha256').update(`${run}.${n}`).digest();
    return Buffer.concat(Array.from({ length: CHUNK_BYTES / 32 }, () => digest));
  });
  for (let n = 0; n < chunks; n++) state.update(pieces[n % 1000] ?? '');
  const prompts = Array.from({ length: ROUND }, (_, i) => `run ${run}, question ${i}`);
  prompts.push(`run ${run}, once more: ${chunks}`);
  const said = prompts.map((content) => `Answer to q${promptDigest([{ role: 'user', content }])}.`);
  return `${state.digest('hex').slice(0, 16)} ${said.join(' ')}`;
}

interface MemoryWatch {
  peaks: { now: number; most: number; parts: Record<string, number> };
  stop(): Promise<void>;
}

/** Looks at the memory of server, worker and kernel hosts again and again. */
function watchMemory(world: ChaosWorld): MemoryWatch {
  const peaks: MemoryWatch['peaks'] = { now: 0, most: 0, parts: {} };
  const end = new AbortController();
  const look = async (): Promise<void> => {
    let sum = 0;
    for (const root of [world.serverPid(), ...world.crew.pids]) {
      for (const { pid, command } of await treeOf(root)) {
        const part = /start-dev/.test(command)
          ? 'Temporal server'
          : /repl\/host\/main/.test(command)
            ? 'kernel host'
            : 'worker';
        const mib = Math.round((await memoryKiB(pid)) / 1024);
        peaks.parts[part] = Math.max(peaks.parts[part] ?? 0, mib);
        sum += mib;
      }
    }
    peaks.now = sum;
    peaks.most = Math.max(peaks.most, sum);
  };
  const watching = (async () => {
    while (!end.signal.aborted) {
      await look();
      await sleep(LOOK_MS);
    }
  })();
  return {
    peaks,
    stop: async () => {
      end.abort();
      await watching;
    },
  };
}

/** Processes that the kernel of this machine ended for want of memory since it started. */
async function oomKills(): Promise<number> {
  const text = await readFile('/proc/vmstat', 'utf8').catch(() => '');
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}
