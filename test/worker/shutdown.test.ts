import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type CellStep, cellSteps } from '../../audit/index.ts';
import {
  stepRunner,
  openRecoveryWorld,
  type RecoveryWorld,
  type StartedScenario,
  until,
} from '../../bench/recovery/recovery-world.ts';
import type { WorkerProcess } from '../../cli/index.ts';

// Scope: workers in processes of their own, what each role does, and how they end. A server of their own, a scripted model.

let world: RecoveryWorld;
beforeAll(async () => {
  world = await openRecoveryWorld();
});
afterAll(() => world.close());

const END = 'answer.update(content=str(x), ready=True)';
/** Some seconds of compute. */
const LONG_CELL = 'x = 0\nfor i in range(6_000_000): x += i';
const SUM = String(17_999_997_000_000);

beforeEach(() => {
  world.script.sub = (prompt) => `re ${prompt}`;
});

function subCalls(): number {
  return world.model.requests.filter(({ kind }) => kind === 'sub').length;
}

interface LongCell {
  run: StartedScenario;
  /** The worker that runs the cell now, and another one. */
  runner: WorkerProcess;
  other: WorkerProcess;
}

/** A run whose second cell has just begun. */
async function longCell(env: NodeJS.ProcessEnv): Promise<LongCell> {
  world.script.root = (turn) =>
    turn === 1 ? 'y = llm_query("asked once")' : turn === 2 ? LONG_CELL : END;
  const workers = await Promise.all([world.worker([], env), world.worker([], env)]);
  const run = await world.start();
  let pid: number | null = null;
  await until('the long cell runs', async () => {
    const { cell } = (await world.client.progress(run.workflowId)) ?? {};
    if (cell === '2.1') pid = await stepRunner(world, run.workflowId);
    return pid !== null;
  });
  const [runner, other] = workers.toSorted((a) => (a.pid === pid ? -1 : 1));
  if (runner === undefined || other === undefined || runner.pid !== pid) {
    throw new Error(`process ${String(pid)} is none of the workers`);
  }
  return { run, runner, other };
}

async function longCellStep(run: StartedScenario): Promise<CellStep | undefined> {
  return cellSteps(await run.trail()).findLast(({ cell }) => cell === '2.1');
}

async function endsWithin(worker: WorkerProcess, ms: number): Promise<boolean> {
  return Promise.race([
    worker.ended.then(() => true),
    new Promise<boolean>((resolve) => setTimeout(() => resolve(false), ms).unref()),
  ]);
}

describe('roles', () => {
  test('split over processes, of which only the one that calls models has the key', async () => {
    world.script.root = (turn) => (turn === 1 ? 'x = llm_query("a question")' : END);
    const config = await world.file('models.json', {
      root: 'root-model',
      sub: 'helper-model',
      models: Object.fromEntries(
        ['root-model', 'helper-model'].map((name) => [
          name,
          { baseUrl: world.model.baseUrl, keyVariable: 'TEST_MODEL_KEY' },
        ]),
      ),
    });
    const without = { RLM_CONFIG: config, OPENAI_API_KEY: '', OPENAI_BASE_URL: '' };
    const workers = await Promise.all([
      world.worker(['--roles', 'workflow'], without),
      world.worker(['--roles', 'model'], { ...without, TEST_MODEL_KEY: 'secret' }),
      world.worker(['--roles', 'repl'], { ...without, RLM_CONFIG: '/no/such/file' }),
    ]);
    expect(workers.map(({ kernelHosts }) => kernelHosts.length)).toEqual([0, 0, 1]);
    const run = await world.start();
    const { answer } = await world.client.result(run.workflowId);
    expect(answer).toBe('re a question');
    const hosts = cellSteps(await run.trail()).map(({ host }) => host?.split('/').at(-2));
    expect(new Set(hosts)).toEqual(new Set([String(workers[2]?.pid)]));
    await Promise.all(workers.map((worker) => worker.stop()));
  }, 90_000);

  test.each([
    [['--roles', 'workflow,gpu'], 'There is no role "gpu": name some of workflow,model,repl.'],
    [['--roles', ''], 'There is no role "": name some of workflow,model,repl.'],
  ])('%j is refused', async (args, message) => {
    await expect(world.worker(args)).rejects.toThrow(message);
  });
});

describe('SIGTERM', () => {
  test('lets a model call in flight end: its answer is stored, and nobody is asked again', async () => {
    const held = Promise.withResolvers<string>();
    world.script.root = (turn) => (turn === 1 ? 'x = llm_query("held")' : END);
    world.script.sub = () => held.promise;
    const before = subCalls();
    const first = await world.worker();
    const run = await world.start();
    await until('the call is made', () => subCalls() > before);
    process.kill(first.pid, 'SIGTERM');
    const other = await world.worker();
    expect(await endsWithin(first, 500)).toBe(false);
    held.resolve('answered late');
    const { answer } = await world.client.result(run.workflowId);
    expect(answer).toBe('answered late');
    expect(subCalls() - before).toBe(1);
    expect(await endsWithin(first, 30_000)).toBe(true);
    await other.stop();
  }, 90_000);

  test('lets a running cell end where it runs', async () => {
    const { run, runner, other } = await longCell({ RLM_DRAIN_CELLS_SECONDS: '60' });
    process.kill(runner.pid, 'SIGTERM');
    const step = await longCellStep(run);
    expect(step).toMatchObject({ outcome: 'finished', attempts: 1 });
    expect(step?.host).toContain(`/${runner.pid}/`);
    expect(await endsWithin(runner, 10_000)).toBe(true);
    await other.stop();
  }, 90_000);

  test('hands a cell that runs for longer than that to another worker', async () => {
    const { run, runner, other } = await longCell({ RLM_DRAIN_CELLS_SECONDS: '0.2' });
    process.kill(runner.pid, 'SIGTERM');
    expect(await endsWithin(runner, 30_000)).toBe(true);
    const { answer } = await world.client.result(run.workflowId);
    expect(answer).toBe(SUM);
    const step = await longCellStep(run);
    expect(step).toMatchObject({ outcome: 'finished' });
    expect(step?.host).toContain(`/${other.pid}/`);
    await other.stop();
  }, 90_000);

  test('a second time ends the worker at once, and nothing is lost', async () => {
    const before = subCalls();
    const { run, runner, other } = await longCell({ RLM_DRAIN_CELLS_SECONDS: '60' });
    process.kill(runner.pid, 'SIGTERM');
    expect(await endsWithin(runner, 200)).toBe(false);
    process.kill(runner.pid, 'SIGTERM');
    expect(await endsWithin(runner, 5000)).toBe(true);
    await until('its kernel host ends too', () => !runner.kernelHosts.some(isAlive));
    const { answer } = await world.client.result(run.workflowId);
    expect(answer).toBe(SUM);
    expect((await longCellStep(run))?.host).toContain(`/${other.pid}/`);
    expect(subCalls() - before).toBe(1);
    await other.stop();
  }, 90_000);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
