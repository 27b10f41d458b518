import { homeFrom } from '../cli/index.ts';
import { prepareBaseImage } from '../repl/index.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { type Figure, figure } from './figure.ts';
import { callsOnBusyCores, killHalfwayThroughRound } from './recovery/call-scenarios.ts';
import { killInStep, killWaiting, type Recovery } from './recovery/kill-scenarios.ts';
import { openRecoveryWorld, type RecoveryWorld } from './recovery/recovery-world.ts';

const DEFAULT_RUNS = 3;
const TARGET_MS = 3000;
/** More than two heartbeat timeouts of a model call. */
const BUSY_CALL_SECONDS = 25;
/** A worker as the SDK makes it: it is waited for 10 s, and has no queue of its own. */
const SDK_DEFAULTS = { RLM_STICKY_MS: '10000', RLM_HOST_QUEUE: '0' };

/** `npm run -s bench -- recovery [--runs N]`. */
export const bench: Bench = {
  about:
    'SIGKILL of a worker and its kernel host, workers in processes of their own, a server in memory and a scripted model. Not in it: the loss of the server or of the store.',
  async run(options) {
    const { say } = options;
    await prepareBaseImage({ cacheDir: homeFrom(process.env).cacheDir, onProgress: say });
    const inStep = await several(options, 'worker killed in a step', killInStep);
    const waiting = await several(options, 'worker killed while its cell waits', (world) =>
      killWaiting(world),
    );
    say('the same with the defaults of the SDK');
    const sdk = await inWorld((world) => killWaiting(world, SDK_DEFAULTS));
    say('worker killed after 7 of 14 calls');
    const round = await inWorld(killHalfwayThroughRound);
    say(`calls of ${BUSY_CALL_SECONDS} s while all cores are busy`);
    const busy = await inWorld((world) => callsOnBusyCores(world, BUSY_CALL_SECONDS));
    return [
      ...recoveryFigures('killed in a step', inStep),
      ...recoveryFigures('killed while a cell waits', waiting),
      figure({
        name: 'killed while a cell waits, SDK defaults: to the next step',
        unit: 'ms',
        runs: [sdk.totalMs],
      }),
      counted(
        'killed in a step: steps run again',
        inStep.map(({ stepsAgain }) => stepsAgain),
        1,
      ),
      counted(
        'killed while a cell waits: steps run again',
        waiting.map((one) => one.stepsAgain),
        0,
      ),
      counted('killed after 7 of 14 calls: calls made again', [round.madeAgain], 7),
      counted('killed after 7 of 14 calls: answered ones made again', [round.answeredAgain], 0),
      counted('killed after 7 of 14 calls: steps run again', [round.stepsAgain], 0),
      counted(
        `${busy.calls} calls of ${BUSY_CALL_SECONDS} s on busy cores: false alarms`,
        [busy.falseAlarms],
        0,
      ),
      counted(
        `${busy.calls} calls of ${BUSY_CALL_SECONDS} s on busy cores: sent twice`,
        [busy.sentTwice],
        0,
      ),
    ];
  },
};

async function several(
  { args, say }: BenchOptions,
  what: string,
  scenario: (world: RecoveryWorld) => Promise<Recovery>,
): Promise<Recovery[]> {
  const runs = Number(args[args.indexOf('--runs') + 1]) || DEFAULT_RUNS;
  const recoveries: Recovery[] = [];
  for (let run = 1; run <= runs; run++) {
    say(`${what}: ${run} of ${runs}`);
    recoveries.push(await inWorld(scenario));
  }
  return recoveries;
}

async function inWorld<T>(scenario: (world: RecoveryWorld) => Promise<T>): Promise<T> {
  const world = await openRecoveryWorld();
  try {
    return await scenario(world);
  } finally {
    await world.close();
  }
}

function recoveryFigures(name: string, recoveries: readonly Recovery[]): Figure[] {
  return [
    figure({
      name: `${name}: to the next step elsewhere`,
      unit: 'ms',
      runs: recoveries.map(({ totalMs }) => totalMs),
      target: { atMost: TARGET_MS },
    }),
    figure({
      name: `${name}: of it detection`,
      unit: 'ms',
      runs: recoveries.map(({ detectionMs }) => detectionMs),
    }),
    figure({
      name: `${name}: of it restore`,
      unit: 'ms',
      runs: recoveries.map(({ restoreMs }) => restoreMs),
    }),
  ];
}

function counted(name: string, runs: readonly number[], atMost: number): Figure {
  return figure({ name, unit: '', runs, target: { atMost } });
}
