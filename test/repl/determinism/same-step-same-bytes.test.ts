import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { CellOutcome, JournalCall, RunCellInput } from '../../../protocol/index.ts';
import { openRepl, type Repl } from '../../../repl/index.ts';
import { openStore, type Store } from '../../../store/index.ts';
import { CACHE_DIR, Session } from '../support/session.ts';
import { type GeneratedCell, sessions } from './cells.ts';

/** Sessions that are generated: about 4 s each. More by RLM_PROPERTY_RUNS. */
const RUNS = Number(process.env['RLM_PROPERTY_RUNS'] ?? 8);
const TIMEOUT_MS = 60_000 + RUNS * 30_000;

interface Step {
  input: RunCellInput;
  outcome: CellOutcome;
}

let folder: string;
let store: Store;
/** Where sessions live: kernels are parked between steps. */
let live: Repl;
/** A second host, which always restores and replays. */
let cold: Repl;
const all: Step[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rlm-determinism-'));
  store = await openStore(folder);
  live = await openRepl({ store, cacheDir: CACHE_DIR });
  cold = await openRepl({ store, cacheDir: CACHE_DIR });
});
afterAll(async () => {
  await live.dispose();
  await cold.dispose();
  await rm(folder, { recursive: true, force: true });
});

/** Everything that must be the same: all but how the kernel was come by and how its image was stored. */
function essence(outcome: CellOutcome): unknown {
  const { way: _way, computeMs: _computeMs, place: _place, ...rest } = outcome;
  if (rest.kind !== 'finished') return rest;
  const { image, ...told } = rest;
  return { ...told, heapDigest: image.heapDigest, heapBytes: image.heapBytes };
}

async function play(cells: readonly GeneratedCell[], workflowId: string): Promise<Step[]> {
  const session = new Session(live, store, workflowId);
  const steps: Step[] = [];
  const note = (input: RunCellInput, outcome: CellOutcome): CellOutcome => {
    steps.push({ input, outcome });
    return outcome;
  };
  for (const { code, deliveries, clockStepMs } of cells) {
    const input = await session.input(code);
    let outcome = note(input, await live.runStep(input));
    let open: JournalCall[] = [];
    for (let stop = 0; outcome.kind === 'waiting'; stop++) {
      if (outcome.callCount > 0) open.push(...(await session.round(outcome)).calls);
      const mask = deliveries[stop] ?? 0;
      const chosen = open.filter((_, i) => ((mask >> (i % 4)) & 1) === 1);
      const handed = chosen.length > 0 ? chosen : open;
      open = open.filter((call) => !handed.includes(call));
      const delivered = await session.deliver(input, outcome, handed, {
        afterMs: (stop + 1) * clockStepMs,
        run: (next) => live.runStep(next).then((result) => note(next, result)),
      });
      outcome = delivered;
    }
    if (outcome.kind === 'finished') session.image = outcome.image;
  }
  return steps;
}

describe('the same step gives the same bytes', () => {
  let played = 0;

  test(
    'in a kernel that lived through the session, and in one that is restored and replays',
    async () => {
      await fc.assert(
        fc.asyncProperty(sessions, async (cells) => {
          const steps = await play(cells, `session-${(played += 1)}`);
          all.push(...steps);
          // From the last to the first: so no step finds a kernel that an earlier one parked.
          for (const { input, outcome } of steps.toReversed()) {
            const again = await cold.runStep(input);
            expect(again.way).toBe(input.journal === null ? 'fresh' : 'replayed');
            expect(essence(again)).toEqual(essence(outcome));
          }
        }),
        { numRuns: RUNS, endOnFailure: process.env['RLM_PROPERTY_SHRINK'] === undefined },
      );
    },
    TIMEOUT_MS,
  );

  test(
    'in another process with another time zone, language and stack of environment variables',
    () => {
      const chosen = all.filter((_, i) => i % Math.ceil(all.length / 20) === 0).toReversed();
      const { stdout, stderr } = spawnSync(
        process.execPath,
        ['--no-warnings', join(import.meta.dirname, 'other-process.ts')],
        {
          input: JSON.stringify({
            folder,
            cacheDir: CACHE_DIR,
            steps: chosen.map(({ input }) => input),
          }),
          env: {
            TZ: 'Asia/Kathmandu',
            LANG: 'de_DE.UTF-8',
            LC_ALL: 'tr_TR.UTF-8',
            PYTHONHASHSEED: '7',
            X: 'x'.repeat(5000),
          },
          encoding: 'utf8',
          maxBuffer: 2 ** 28,
        },
      );
      expect(stderr).toBe('');
      const outcomes = JSON.parse(stdout) as CellOutcome[];
      expect(chosen.length).toBeGreaterThan(0);
      expect(outcomes.map(essence)).toEqual(chosen.map(({ outcome }) => essence(outcome)));
    },
    TIMEOUT_MS,
  );
});
