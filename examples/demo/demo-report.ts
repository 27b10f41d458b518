import { count, money, seconds } from '../../cli/index.ts';
import type { RunAnswer } from '../../client/index.ts';
import type { CellPair, RepeatCount, TriedAgain } from './demo-check.ts';
import type { Kill } from './demo-kill.ts';
import type { TimeSplit } from './demo-time-split.ts';

/** Everything that the demo found out; printed for people, or as JSON. */
export interface DemoReport {
  workflowId: string;
  reason: string;
  answer: string | null;
  standIn: boolean;
  models: RunAnswer['result']['models'];
  spend: RunAnswer['result']['spend'];
  pages: number;
  kill: Kill | null;
  /** Counted at the stand-in; null for a real model, which keeps no log for us. */
  repeats: RepeatCount | null;
  triedAgain: TriedAgain;
  /** What the heaps were compared with. */
  comparedWith: 'undisturbed run' | 're-executed steps';
  cells: CellPair[];
  digestsEqual: boolean;
  times: DemoTimes;
  webUi: string | null;
}

export interface DemoTimes {
  /** `npm run setup`, as it measured itself; null when the demo was started without it. */
  setupMs: number | null;
  serverMs: number;
  workerMs: number;
  /** Making the inputs and storing them. */
  inputMs: number;
  run: TimeSplit;
  undisturbed: TimeSplit | null;
  /** From the start of the demo's process to its answer. */
  totalMs: number;
}

/** The kill, the calls and the heaps, in sentences. */
export function proofLines(report: DemoReport): string[] {
  return [...killLines(report), '', ...heapLines(report)];
}

function killLines({ kill, repeats, triedAgain }: DemoReport): string[] {
  if (kill === null) {
    return ['The run made no parallel round that could be interrupted, so nothing was killed.'];
  }
  const killed = `Killed with SIGKILL in cell ${kill.cell}, after ${kill.answered} of ${kill.total} sub-calls: worker ${kill.worker}, kernel host ${kill.kernelHosts.join(', ') || 'with it'}.`;
  if (repeats === null) {
    return [
      killed,
      `Calls repeated:     at most ${triedAgain.calls - triedAgain.foundStored} (${triedAgain.calls} were tried again, ${triedAgain.foundStored} of them found their answer stored; a real provider keeps no log to count at)`,
    ];
  }
  const late =
    repeats.repeatedAfterAnswer === 0
      ? 'none of them had been answered'
      : `${repeats.repeatedAfterAnswer} of them answered too late to be stored`;
  return [
    killed,
    `Calls made before:  ${repeats.before} (${repeats.stored} answered and stored, ${repeats.inFlight} in flight)`,
    `Calls repeated:     ${repeats.repeated} (only calls that were in flight; ${late})`,
  ];
}

function heapLines(report: DemoReport): string[] {
  const { cells, comparedWith } = report;
  const rows = cells.map(
    ({ cell, heapDigest, undisturbed }) =>
      `  cell ${cell}  ${short(heapDigest)}  ${undisturbed === null ? '(none)' : short(undisturbed)}  ${heapDigest === undisturbed ? 'equal' : 'DIFFERENT'}`,
  );
  const title =
    comparedWith === 'undisturbed run'
      ? 'Heap digest after every cell, in this run and in an undisturbed run of the same spec and seed:'
      : 'A real model answers differently each time, so there is no undisturbed run to compare with. Heap digest after every cell, in this run and when its recorded steps are executed again in a fresh kernel:';
  const verdict = report.digestsEqual
    ? `All ${cells.length} heaps are equal, byte for byte.`
    : 'The heaps differ: this is a bug, please report it.';
  return [title, ...rows, verdict];
}

function short(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 16);
}

/** The demo's own time split: one row a part, for the killed run and the undisturbed one. */
export function timeLines(times: DemoTimes): string[] {
  const rows: [string, number | null, string][] = [
    ['set-up', times.setupMs, 'npm run setup, before the demo'],
    ['server start', times.serverMs, 'embedded Temporal, until it serves'],
    ['worker start', times.workerMs, 'bundle, base image, connections'],
    ['ingest', times.inputMs + times.run.ingest, 'making, storing and checking the inputs'],
    ['kernel', times.run.kernel, 'a Python step is under way, images included'],
    ['model', times.run.model, `a model call is; ${seconds(times.run.modelSum)} one after another`],
    ['lost', times.run.lost, "only the dead worker's calls, until their heartbeat is missed"],
    ['Temporal', times.run.temporal, 'nothing of these: workflow tasks, hand-over'],
  ];
  const { undisturbed } = times;
  return [
    'Time',
    ...rows.map(
      ([name, ms, what]) =>
        `  ${name.padEnd(13)} ${(ms === null ? '-' : seconds(ms)).padStart(7)}   ${what}`,
    ),
    `  ${'total'.padEnd(13)} ${seconds(times.totalMs + (times.setupMs ?? 0)).padStart(7)}   to the end of both runs`,
    ...(undisturbed === null
      ? []
      : [
          `  The undisturbed run took ${seconds(undisturbed.total)}: kernel ${seconds(undisturbed.kernel)}, model ${seconds(undisturbed.model)}, Temporal ${seconds(undisturbed.temporal)}.`,
        ]),
  ];
}

/** What the run was and cost, in one line. */
export function costLine({ spend, models, standIn }: DemoReport): string {
  const cost = standIn ? 'no money' : money(spend.usage.costUsd);
  return `${count(spend.turns, 'turn')}, ${count(spend.calls, 'sub-call')}, ${cost}, models ${models.root} and ${models.sub}`;
}
