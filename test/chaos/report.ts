import type { ChaosRun } from './chaos-run.ts';
import type { Disturbance } from './disturb.ts';
import type { OverloadReport } from './overload.ts';

/** What a whole suite came to: the JSON file, and the summary. */
export interface ChaosReport {
  seed: string;
  /** Repeats it. */
  command: string;
  startedAt: string;
  seconds: number;
  modelServer: 'stand-in (scripted, no intelligence)';
  disk: string;
  clock: string;
  runs: ChaosRun[];
  /** Runs that could not be made, with the reason. */
  errors: string[];
  totals: Totals;
}

export interface Totals {
  runs: number;
  disturbances: number;
  byKind: Record<string, number>;
  modelCalls: number;
  repeats: number;
  steps: number;
  stepsAgain: number;
  broken: number;
}

export function totalsOf(runs: readonly ChaosRun[]): Totals {
  const sum = (of: (run: ChaosRun) => number): number =>
    runs.reduce((all, run) => all + of(run), 0);
  const byKind: Record<string, number> = {};
  for (const { kind } of runs.flatMap(madeIn)) {
    byKind[kind] = (byKind[kind] ?? 0) + 1;
  }
  return {
    runs: runs.length,
    disturbances: sum((run) => madeIn(run).length),
    byKind,
    modelCalls: sum(({ calls }) => calls.distinct),
    repeats: sum(({ calls }) => calls.repeats),
    steps: sum(({ steps }) => steps),
    stepsAgain: sum(({ stepsAgain }) => stepsAgain),
    broken: sum(({ broken }) => broken.length),
  };
}

/** Disturbances that met something. */
function madeIn({ disturbances }: ChaosRun): Disturbance[] {
  return disturbances.filter(({ met }) => met);
}

/** One run, after it. */
export function runLines(run: ChaosRun): string[] {
  const { calls, planned, ms } = run;
  const verdict = run.broken.length === 0 ? 'equal to the undisturbed run' : 'BROKEN PROMISES';
  return [
    `${verdict}: ${madeIn(run).length} of ${planned} disturbances, ${run.steps} steps (${run.stepsAgain} tried again), ${run.executions} executions, ${calls.distinct} calls and ${calls.repeats} repeats, ${(ms.disturbed / 1000).toFixed(1)} s instead of ${(ms.undisturbed / 1000).toFixed(1)} s`,
    ...Object.entries(calls.byCause).map(
      ([cause, times]) => `  ${times} repeated because of ${cause}`,
    ),
    ...run.notPossible.map((why) => `  not made: ${why}`),
    ...run.broken.map((promise) => `  BROKEN: ${promise}`),
  ];
}

/** The end of the suite. */
export function summaryLines(report: ChaosReport): string[] {
  const { seed, seconds, disk, clock, totals, runs, errors } = report;
  const failed = runs.filter(({ broken }) => broken.length > 0);
  return [
    '',
    `Chaos, seed ${seed}: ${totals.runs} runs, ${totals.disturbances} disturbances in ${Math.round(seconds)} s, against a stand-in model server (scripted, no intelligence).`,
    `Disturbances:  ${Object.entries(totals.byKind)
      .map(([kind, times]) => `${times} x ${kind}`)
      .join(', ')}.`,
    `Disk:          ${disk}.`,
    `Clock:         ${clock}.`,
    `Model calls:   ${totals.modelCalls}, and ${totals.repeats} repeats, each because of a named disturbance unless listed below.`,
    `Steps:         ${totals.steps}, of which ${totals.stepsAgain} were tried again.`,
    failed.length === 0
      ? 'Every one of these runs had the answer and, after every step, the heap of its undisturbed run; no stored answer was asked for again; nothing was left running or half-written.'
      : `${totals.broken} broken promises in ${failed.length} runs: seeds ${failed.map((run) => run.seed).join(', ')}.`,
    ...errors.map((error) => `  could not be run: ${error}`),
    ...failed.flatMap((run) =>
      run.broken.slice(0, 20).map((promise) => `  ${run.seed}: ${promise}`),
    ),
  ];
}

/** An overload, at its end. */
export function overloadLines(report: OverloadReport): string[] {
  const { runs, finished, memoryMiB, peakMiB, peaksMiB, wantedMiB, seconds, broken } = report;
  const parts = Object.entries(peaksMiB).map(([part, mib]) => `${part} ${mib}`);
  return [
    `Overload: ${finished} of ${runs} concurrent runs finished in ${Math.round(seconds)} s.`,
    `Memory:   at most ${peakMiB} MiB of ${memoryMiB} at once (at most: ${parts.join(', ')}); all kernels together would take about ${wantedMiB} MiB.`,
    broken.length === 0
      ? 'No run failed, no process was lost, the kernel killed none.'
      : `${broken.length} broken promises:`,
    ...broken.slice(0, 20).map((promise) => `  ${promise}`),
  ];
}
