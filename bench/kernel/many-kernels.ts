import { freemem } from 'node:os';
import type { Figure } from '../figure.ts';
import { figure } from '../figure.ts';
import { BenchRun, hostMiB, settle } from './bench-session.ts';
import type { Kernels } from './with-repl.ts';

const KERNELS = 30;
const PARKED = 200;
/** The machine keeps this much, whatever the bench would like to hold. */
const SPARE_BYTES = 2.5 * 2 ** 30;
const CALLS = 1000;

/** Resident memory of a host with 30 kernels at rest. */
export async function memory({ repl, store }: Kernels): Promise<Figure[]> {
  await new BenchRun(repl, store, 'first').run('x = 1');
  await settle(repl);
  const one = hostMiB(repl);
  for (let i = 1; i < KERNELS; i += 1) {
    await new BenchRun(repl, store, `further ${i}`).run('x = 1');
  }
  await settle(repl);
  return [
    figure({
      name: `memory of each further kernel, at ${KERNELS}`,
      unit: 'MiB',
      runs: [(hostMiB(repl) - one) / (KERNELS - 1)],
      floor: repl.base.heapBytes / 2 ** 20,
      target: { atMost: 70 },
    }),
    figure({ name: 'memory of a host with one kernel and its spares', unit: 'MiB', runs: [one] }),
  ];
}

/** Cells that wait for an answer, each in its own kernel; then all are answered. */
export async function parked({ repl, store }: Kernels): Promise<Figure[]> {
  const waiting = [];
  for (let i = 0; i < PARKED && freemem() > SPARE_BYTES; i += 1) {
    const run = new BenchRun(repl, store, `parked ${i}`);
    waiting.push({ run, ...(await run.wait('answer_text = llm_query("Who signs?")')) });
  }
  const hostAt = hostMiB(repl);
  let found = 0;
  const times = [];
  for (const { run, input, cell } of waiting) {
    const resumed = await run.resume(input, cell);
    if (resumed.cell.way === 'parked') found += 1;
    times.push(resumed.ms);
  }
  return [
    figure({
      name: 'kernels parked at the same time',
      unit: 'kernels',
      runs: [found],
      target: { atLeast: PARKED },
    }),
    figure({ name: 'memory of their host', unit: 'MiB', runs: [hostAt] }),
    figure({ name: 'step that takes a parked kernel', unit: 'ms', runs: times }),
  ];
}

/** One round of 1,000 calls: stopping at it, and going on with all answers. */
export async function wideRound({ repl, store }: Kernels): Promise<Figure[]> {
  const code = `out = llm_query_batched([f"Passage {i}: " + "text " * 100 for i in range(${CALLS})])`;
  const stops: number[] = [];
  const resumes: number[] = [];
  for (let i = 0; i < 3; i += 1) {
    const run = new BenchRun(repl, store, `wide ${i}`);
    await run.run('x = 1');
    const { ms, input, cell } = await run.wait(code);
    if (cell.callCount !== CALLS) throw new Error(`the round has ${cell.callCount} calls`);
    stops.push(ms / CALLS);
    resumes.push((await run.resume(input, cell)).ms / CALLS);
  }
  return [
    figure({
      name: `a call of a round of ${CALLS}, both ways`,
      unit: 'ms',
      runs: stops.map((ms, i) => ms + (resumes[i] ?? 0)),
      target: { atMost: 1 },
    }),
    figure({ name: 'of which going on with the answers', unit: 'ms', runs: resumes }),
  ];
}
