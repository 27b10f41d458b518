import { describe, expect, jest, test } from '@jest/globals';
import { chaosRun } from './chaos-run.ts';
import { overload } from './overload.ts';
import { KINDS } from './plan.ts';
import '../support/quiet-worker.ts';

// Scope: the short version of `npm run chaos`: one run under one disturbance of each kind, and an overload. All processes are
// real; only the models are scripted.

jest.setTimeout(600_000);

const silent = (): void => undefined;

describe('a run under one disturbance of each kind', () => {
  test('is that of the undisturbed run, step by step, and asks for no stored answer again', async () => {
    const lines: string[] = [];
    const run = await chaosRun({
      seed: 'ci',
      disturbances: KINDS.length,
      mostOutageMs: 1500,
      parts: 5,
      say: (line) => lines.push(line),
      log: silent,
    });
    expect({ broken: run.broken, lines: run.broken.length === 0 ? [] : lines }).toEqual({
      broken: [],
      lines: [],
    });
    for (const why of run.notPossible) process.stderr.write(`chaos: not made here: ${why}\n`);
    const made = run.disturbances.map(({ kind }) => kind);
    // One that comes when the run has ended already, or finds nothing to disturb, is not counted.
    expect(made.length + run.notPossible.length).toBeGreaterThanOrEqual(KINDS.length - 2);
    expect(new Set(made).size).toBe(made.length);
    expect(run.executions).toBeGreaterThan(2);
    expect(run.steps).toBeGreaterThan(15);
    expect(run.toolCalls.distinct).toBeGreaterThan(2);
    expect(run.calls.sent).toBe(run.calls.distinct + run.calls.repeats);
  });
});

describe('more runs than memory', () => {
  test('all finish: kernels make room for each other, and none is killed', async () => {
    const report = await overload({
      runs: 8,
      memoryMiB: 2100,
      heapMiB: (run) => (run % 4 === 0 ? 150 : 10),
      latencyMs: 500,
      say: silent,
      log: silent,
    });
    expect(report).toMatchObject({ broken: [], finished: 8 });
    expect(report.peakMiB).toBeGreaterThan(500);
  });
});
