import { cellSteps, type Trail } from '../../audit/index.ts';
import { activitySpans, type Span } from './activity-spans.ts';
import { stepRunner, type RecoveryWorld, until } from './recovery-world.ts';

/** How one kill was recovered from, in ms. */
export interface Recovery {
  /** From SIGKILL of the worker and its kernel host to the next REPL step that another worker completed. */
  totalMs: number;
  /** Of these, until that worker began the step: nobody knew before. */
  detectionMs: number;
  /** Image restored, cell replayed or run again, stored. */
  restoreMs: number;
  /** Steps that were run more than once, or begun and lost. */
  stepsAgain: number;
}

/** Long enough to be killed in, short beside what is measured. */
const SHORT_CELL = 'n = 0\nfor i in range(3_000_000): n += i\nn';

/** The worker dies while it runs a step. */
export async function killInStep(world: RecoveryWorld): Promise<Recovery> {
  const second = Promise.withResolvers<string>();
  world.script.root = (turn) =>
    turn === 1 ? 'x = list(range(1000))' : turn === 2 ? second.promise : END;
  const models = await world.worker(['--roles', 'model']);
  const first = await world.worker(['--roles', 'workflow,repl']);
  const run = await world.start();
  await until('the second turn is asked', () => world.model.requests.length >= 2);
  const other = await world.worker(['--roles', 'workflow,repl']);
  second.resolve(SHORT_CELL);
  await until('a step runs', async () => (await stepRunner(world, run.workflowId)) !== null);
  const killedMs = Date.now();
  await first.kill();
  const trail = await run.trail();
  await Promise.all([models.stop(), other.stop()]);
  return recoveryOf(trail, killedMs, other.pid);
}

/** The worker dies while a cell that it keeps waits for a call, which another process makes. */
export async function killWaiting(
  world: RecoveryWorld,
  env: NodeJS.ProcessEnv = {},
): Promise<Recovery> {
  const held = Promise.withResolvers<string>();
  world.script.root = (turn) => (turn === 1 ? 'x = llm_query("held")' : END);
  world.script.sub = () => held.promise;
  const models = await world.worker(['--roles', 'model']);
  const first = await world.worker(['--roles', 'workflow,repl'], env);
  const run = await world.start();
  await until('the call is made', () => world.model.requests.some(({ kind }) => kind === 'sub'));
  const other = await world.worker(['--roles', 'workflow,repl'], env);
  const killedMs = Date.now();
  await first.kill();
  held.resolve('answered');
  const trail = await run.trail();
  await Promise.all([models.stop(), other.stop()]);
  return recoveryOf(trail, killedMs, other.pid);
}

export const END = 'answer.update(content="Done.", ready=True)';

function recoveryOf(trail: Trail, killedMs: number, workerPid: number): Recovery {
  const next = activitySpans(trail).find(
    (span) => span.name === 'runCell' && (span.completedMs ?? 0) > killedMs,
  );
  const host = next?.host ?? '';
  if (next?.completedMs === undefined || !host.includes(`/${workerPid}/`)) {
    throw new Error(`no step was completed by the other worker: ${JSON.stringify(next)}`);
  }
  const began = (next satisfies Span).startedMs;
  return {
    totalMs: next.completedMs - killedMs,
    detectionMs: began - killedMs,
    restoreMs: next.completedMs - began,
    stepsAgain: stepsAgain(trail),
  };
}

function stepsAgain(trail: Trail): number {
  let again = 0;
  for (const { attempts, outcome } of cellSteps(trail)) {
    // A step that nobody took was not run.
    again += outcome === 'lost' ? attempts : Math.max(0, attempts - 1);
  }
  return again;
}
