import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { homeFrom } from '../../cli/index.ts';
import { prepareBaseImage } from '../../repl/index.ts';
import { installTelemetry } from '../../worker/index.ts';
import { type ChaosRun, chaosRun } from './chaos-run.ts';
import { overload } from './overload.ts';
import { type ChaosReport, overloadLines, runLines, summaryLines, totalsOf } from './report.ts';

const USAGE = `npm run chaos -- [--runs N] [--seed S] [--only RUN] [--disturbances PER_RUN] [--report FILE] [--debug]
npm run chaos -- --overload RUNS [--memory-mib MIB] [--report FILE] [--debug]`;
/** 25 runs of 8 make 200 disturbances. */
const DEFAULTS = { runs: 25, disturbances: 8 };

/** Breaks everything, run after run. Exit code 1 when a promise was broken. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string' },
      seed: { type: 'string' },
      only: { type: 'string' },
      disturbances: { type: 'string' },
      overload: { type: 'string' },
      'memory-mib': { type: 'string' },
      report: { type: 'string' },
      debug: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    say(USAGE);
    return;
  }
  if (values.overload !== undefined) {
    await overloaded(values);
    return;
  }
  const runs = countOf('--runs', values.runs, DEFAULTS.runs);
  const disturbances = countOf('--disturbances', values.disturbances, DEFAULTS.disturbances);
  const only = values.only === undefined ? null : countOf('--only', values.only, 1);
  const seed = values.seed ?? String(Date.now() % 1_000_000);
  const file = resolve(values.report ?? `.rlm/chaos/${seed.replaceAll(/[^\w.-]/g, '_')}.json`);
  await mkdir(dirname(file), { recursive: true });
  installTelemetry('ERROR');
  await prepareBaseImage({ cacheDir: homeFrom(process.env).cacheDir, onProgress: say });

  const started = new Date();
  const done: ChaosRun[] = [];
  const errors: string[] = [];
  const command = `npm run chaos -- --runs ${runs} --seed ${seed} --disturbances ${disturbances}`;
  say(`${command}\nThe model server is a stand-in: scripted, without intelligence.`);
  const [first, last] = only === null ? [1, runs] : [only, only];
  for (let i = first; i <= last; i++) {
    const own = `${seed}-${i}`;
    say(`\nRun ${i} of ${runs}, seed ${own}`);
    const log = values.debug === true ? (line: string) => say(`    ${line}`) : () => undefined;
    const tell = (line: string): void => say(`  ${clockTime()} ${line}`);
    try {
      const run = await chaosRun({ seed: own, disturbances, say: tell, log });
      done.push(run);
      for (const line of runLines(run)) say(`  ${line}`);
    } catch (error) {
      // The others are worth running all the same.
      errors.push(`${own}: ${error instanceof Error ? error.message : String(error)}`);
      tell(`could not be run: ${errors.at(-1)}`);
    }
    const report: ChaosReport = {
      seed,
      command,
      startedAt: started.toISOString(),
      seconds: (Date.now() - started.getTime()) / 1000,
      modelServer: 'stand-in (scripted, no intelligence)',
      disk: done.at(-1)?.about.disk ?? 'none',
      clock: done.at(-1)?.about.clock ?? 'none',
      runs: done,
      errors,
      totals: totalsOf(done),
    };
    // After each run: a suite that is stopped leaves what it found.
    await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
    if (i < last) continue;
    for (const line of summaryLines(report)) process.stdout.write(`${line}\n`);
    process.stdout.write(`Report: ${file}\n`);
    if (report.totals.broken + errors.length > 0) process.exitCode = 1;
  }
}

/** More runs than memory. */
async function overloaded(values: {
  overload?: string;
  'memory-mib'?: string;
  report?: string;
  debug?: boolean;
}): Promise<void> {
  const runs = countOf('--overload', values.overload, 200);
  const memoryMiB = countOf('--memory-mib', values['memory-mib'], 8192);
  installTelemetry('ERROR');
  const log = values.debug === true ? say : (): void => undefined;
  say(`Starting ${runs} runs at once, in ${memoryMiB} MiB, against a stand-in model server.`);
  const report = await overload({ runs, memoryMiB, say, log });
  const file = resolve(values.report ?? `.rlm/chaos/overload-${runs}.json`);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
  for (const line of overloadLines(report)) process.stdout.write(`${line}\n`);
  process.stdout.write(`Report: ${file}\n`);
  if (report.broken.length > 0) process.exitCode = 1;
}

function countOf(option: string, value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (!/^[1-9]\d*$/.test(value)) throw new TypeError(`${option} must be a number, not "${value}"`);
  return Number(value);
}

function clockTime(): string {
  return new Date().toISOString().slice(11, 19);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

// What this process has started ends with it; see also disk.ts.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
try {
  await main();
} catch (error) {
  say(`chaos: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exitCode = 1;
}
