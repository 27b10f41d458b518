import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Bench, BenchOptions } from './bench.ts';
import { type Figure, figure } from './figure.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** The demo prints its answer, which is long. */
const OUTPUT_BYTES = 64 * 1024 * 1024;
const DEFAULT_RUNS = 3;

const Split = z.object({
  total: z.number(),
  kernel: z.number(),
  model: z.number(),
  lost: z.number(),
  temporal: z.number(),
  ingest: z.number(),
});

/** The parts of `npm run demo -- --json` that are figures. */
const Report = z.object({
  repeats: z.object({ inFlight: z.number(), repeated: z.number() }),
  cells: z.array(z.object({ heapDigest: z.string(), undisturbed: z.string().nullable() })),
  times: z.object({
    setupMs: z.number().nullable(),
    serverMs: z.number(),
    workerMs: z.number(),
    inputMs: z.number(),
    run: Split,
    undisturbed: Split,
    totalMs: z.number(),
  }),
});
type Report = z.infer<typeof Report>;

interface Sample {
  /** From the start of the command to its end. */
  wallMs: number;
  report: Report;
}

/**
 * `bench -- demo [--clone] [--runs N]`: the first run in an empty home, then N more in it. With `--clone` the first one
 * is in a fresh clone of this checkout's last commit, set-up included.
 */
export const bench: Bench = {
  about:
    'The demo against the stand-in, from the command to its end; what a real model would take is not in it.',
  run: async (options) => {
    const dir = await mkdtemp(join(tmpdir(), 'rlm-bench-demo-'));
    try {
      return await measure(dir, options);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
};

async function measure(dir: string, { args, say }: BenchOptions): Promise<Figure[]> {
  const isClone = args.includes('--clone');
  const runs = Number(args[args.indexOf('--runs') + 1] ?? DEFAULT_RUNS) || DEFAULT_RUNS;
  const from = performance.now();
  const project = isClone ? await clone(dir, say) : ROOT;
  const cloneMs = performance.now() - from;
  const home = join(dir, 'home');
  say('first run');
  const first = await runDemo(project, home);
  const later: Sample[] = [];
  for (let run = 1; run <= runs; run++) {
    say(`run ${run} of ${runs} in the same home`);
    later.push(await runDemo(project, home));
  }
  return [
    isClone
      ? figure({
          name: 'clone to the end of the demo',
          unit: 's',
          runs: [seconds(cloneMs + first.wallMs)],
          target: { atMost: 180 },
        })
      : figure({ name: 'first run', unit: 's', runs: [seconds(first.wallMs)] }),
    figure({
      name: 'later run',
      unit: 's',
      runs: later.map((one) => seconds(one.wallMs)),
      target: { atMost: 30 },
    }),
    ...splitFigures(first, later),
    ...proofFigures([first, ...later]),
  ];
}

function splitFigures(first: Sample, later: readonly Sample[]): Figure[] {
  const part = (name: string, pick: (times: Report['times']) => number, floor?: number): Figure =>
    figure({
      name,
      unit: 's',
      runs: later.map(({ report }) => seconds(pick(report.times))),
      ...(floor === undefined ? {} : { floor }),
    });
  return [
    figure({
      name: 'set-up in the first run',
      unit: 's',
      runs: [seconds(first.report.times.setupMs ?? 0)],
    }),
    part('server start', (times) => times.serverMs),
    part('worker start', (times) => times.workerMs),
    part('ingest', (times) => times.inputMs + times.run.ingest),
    part('killed run: kernel', (times) => times.run.kernel),
    part('killed run: model', (times) => times.run.model),
    part('killed run: lost calls not yet noticed', (times) => times.run.lost),
    part('killed run: Temporal', (times) => times.run.temporal),
    part('undisturbed run', (times) => times.undisturbed.total),
    part('undisturbed run: Temporal', (times) => times.undisturbed.temporal),
  ];
}

function proofFigures(samples: readonly Sample[]): Figure[] {
  return [
    figure({
      name: 'calls repeated after the kill',
      unit: 'calls',
      runs: samples.map(({ report }) => report.repeats.repeated),
    }),
    figure({
      name: 'calls repeated that were not in flight',
      unit: 'calls',
      runs: samples.map(({ report: { repeats } }) =>
        Math.max(0, repeats.repeated - repeats.inFlight),
      ),
      target: { atMost: 0 },
    }),
    figure({
      name: 'heaps that differ from the undisturbed run',
      unit: 'cells',
      runs: samples.map(
        ({ report }) => report.cells.filter((cell) => cell.heapDigest !== cell.undisturbed).length,
      ),
      target: { atMost: 0 },
    }),
  ];
}

async function clone(dir: string, say: (line: string) => void): Promise<string> {
  say('cloning');
  const project = join(dir, 'clone');
  await promisify(execFile)('git', ['clone', '--quiet', ROOT, project]);
  return project;
}

async function runDemo(project: string, home: string): Promise<Sample> {
  const from = performance.now();
  const { stdout } = await promisify(execFile)('npm', ['run', '-s', 'demo', '--', '--json'], {
    cwd: project,
    env: { ...withoutModels(), RLM_HOME: home },
    maxBuffer: OUTPUT_BYTES,
  });
  return { wallMs: performance.now() - from, report: Report.parse(JSON.parse(stdout)) };
}

/** The stand-in is measured, by the Node that the project itself brings. */
function withoutModels(): NodeJS.ProcessEnv {
  const env = Object.entries(process.env).filter(
    ([name]) => !/^(OPENAI_|RLM_|TEMPORAL_ADDRESS|npm_)/.test(name),
  );
  const path = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !folder.startsWith(ROOT));
  return { ...Object.fromEntries(env), PATH: path.join(delimiter) };
}

function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
