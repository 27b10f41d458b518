import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { callAttempts, cellSteps } from '../../audit/index.ts';
import { END } from './kill-scenarios.ts';
import { type RecoveryWorld, until } from './recovery-world.ts';

export interface KilledRound {
  /** Calls that reached the model server a second time. */
  madeAgain: number;
  /** Of these, calls whose answer was stored before the kill. */
  answeredAgain: number;
  /** Steps that were run more than once. */
  stepsAgain: number;
}

const CALLS = 14;
const ANSWERED = 7;

function numberOf(prompt: string): number {
  return Number(/\d+/.exec(prompt)?.[0]);
}

/** The one worker, which calls models too, dies when 7 of 14 calls are answered. */
export async function killHalfwayThroughRound(world: RecoveryWorld): Promise<KilledRound> {
  const killed = Promise.withResolvers<void>();
  const asked: number[] = [];
  world.script.root = (turn) =>
    turn === 1 ? `x = llm_query_batched([f"Passage {i}" for i in range(${CALLS})])` : END;
  world.script.sub = async (prompt) => {
    const call = numberOf(prompt);
    asked.push(call);
    if (call >= ANSWERED) await killed.promise;
    return `re ${call}`;
  };
  const first = await world.worker();
  const run = await world.start();
  await until('half of the calls are answered', async () => {
    const progress = await world.client.progress(run.workflowId);
    return progress?.round?.answered === ANSWERED && asked.length === CALLS;
  });
  const other = await world.worker();
  await first.kill();
  killed.resolve();
  const trail = await run.trail();
  await other.stop();
  const again = asked.slice(CALLS);
  return {
    madeAgain: again.length,
    answeredAgain: again.filter((call) => call < ANSWERED).length,
    stepsAgain: cellSteps(trail).reduce((sum, { attempts }) => sum + Math.max(0, attempts - 1), 0),
  };
}

export interface BusyCalls {
  calls: number;
  /** Attempts beyond the first: each would have been paid for. */
  falseAlarms: number;
  sentTwice: number;
}

/** Calls of `seconds` each while other processes keep every core busy. */
export async function callsOnBusyCores(world: RecoveryWorld, seconds: number): Promise<BusyCalls> {
  const calls = 20;
  world.script.root = (turn) =>
    turn === 1 ? `x = llm_query_batched([f"Passage {i}" for i in range(${calls})])` : END;
  world.script.sub = async (prompt) => {
    await sleep(seconds * 1000);
    return `re ${prompt}`;
  };
  const worker = await world.worker();
  const load = Array.from({ length: availableParallelism() }, burn);
  try {
    const run = await world.start();
    const trail = await run.trail();
    const made = callAttempts(trail);
    return {
      calls: made.length,
      falseAlarms: made.reduce((sum, { attempts }) => sum + attempts - 1, 0),
      sentTwice: world.model.requests.filter(({ kind }) => kind === 'sub').length - calls,
    };
  } finally {
    for (const child of load) child.kill('SIGKILL');
    await worker.stop();
  }
}

function burn(): ChildProcess {
  return spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
}
