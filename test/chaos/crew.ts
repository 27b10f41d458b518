import { setTimeout as sleep } from 'node:timers/promises';
import { startWorkerProcess, type WorkerProcess } from '../../cli/index.ts';
import { kernelHostsOf, signalTo } from './processes.ts';

/** The workers of a world: killed ones are replaced, as a supervisor of processes does it. */
export interface Crew {
  /** Kills a worker with its kernel hosts, and starts another one after a while. Null when none runs there now. */
  killWorker(seat: number, downMs: number): Promise<Killed | null>;
  killHosts(seat: number): Promise<number[]>;
  /** All workers at once; none is started again before `until` resolves. */
  killAll(until: Promise<void>): Promise<Killed[]>;
  /** Ends all, as `rlm worker` is ended. Resolves when none is left. */
  stop(): Promise<void>;
  /** Keys that a process gave up by itself, and other accidents: none is expected. */
  readonly accidents: readonly string[];
  /** Process ids of every worker that ran. */
  readonly pids: readonly number[];
  /** Keys with which a worker calls the models now. */
  keys(): string[];
}

export interface Killed {
  /** The key with which the worker called the models. */
  key: string;
  pid: number;
}

export interface CrewOptions {
  seats: number;
  /** Environment of a worker that has this key. */
  envOf: (key: string) => NodeJS.ProcessEnv;
  log: (line: string) => void;
  isExpected: (lastWords: string) => boolean;
}

interface Seat {
  worker: WorkerProcess | null;
  key: string;
  /** Killed by us: its end is no accident. */
  killed: boolean;
  starting: Promise<void>;
}

const READY_MS = 180_000;
const START_AGAIN_MS = 300;
const STOP_MS = 60_000;

/** Starts the workers and resolves when all poll. */
export async function openCrew({ seats, envOf, log, isExpected }: CrewOptions): Promise<Crew> {
  const accidents: string[] = [];
  const pids: number[] = [];
  let started = 0;
  const stopping = new AbortController();
  const isStopping = (): boolean => stopping.signal.aborted;

  const start = async (seat: Seat): Promise<void> => {
    while (!isStopping()) {
      started += 1;
      const key = `worker-${started}`;
      const said: string[] = [];
      const onLog = (line: string): void => {
        said.push(line);
        log(`${key}: ${line}`);
      };
      try {
        const worker = await startWorkerProcess({ env: envOf(key), onLog, readyMs: READY_MS });
        pids.push(worker.pid);
        Object.assign(seat, { worker, key, killed: false });
        log(`${key} is ready (process ${worker.pid})`);
        void worker.ended.then(() => ended(seat, worker, said));
        return;
      } catch (error) {
        // A server or a disk that is away: the supervisor tries again.
        const words = error instanceof Error ? error.message : String(error);
        if (!isStopping() && !isExpected(words)) accidents.push(`${key} did not start: ${words}`);
        log(`${key} did not start: ${words}`);
        await sleep(START_AGAIN_MS);
      }
    }
  };
  const ended = (seat: Seat, worker: WorkerProcess, said: string[]): void => {
    if (seat.worker !== worker) return;
    seat.worker = null;
    if (seat.killed || isStopping()) return;
    accidents.push(`${seat.key} ended by itself: ${said.slice(-5).join(' / ')}`);
    seat.starting = start(seat);
  };
  const kill = async (seat: Seat): Promise<Killed | null> => {
    const { worker, key } = seat;
    if (worker === null) return null;
    seat.killed = true;
    seat.worker = null;
    // Found now: hosts may have been replaced since the worker said that it is ready.
    const hosts = await kernelHostsOf(worker.pid);
    for (const pid of [worker.pid, ...hosts]) signalTo(pid, 'SIGKILL');
    await worker.ended;
    return { key, pid: worker.pid };
  };

  const crew: Seat[] = Array.from({ length: seats }, () => ({
    worker: null,
    key: '',
    killed: false,
    starting: Promise.resolve(),
  }));
  await Promise.all(crew.map((seat) => (seat.starting = start(seat))));
  return {
    accidents,
    pids,
    keys: () => crew.filter(({ worker }) => worker !== null).map(({ key }) => key),
    killWorker: async (number, downMs) => {
      const seat = crew[number % seats];
      const killed = seat === undefined ? null : await kill(seat);
      if (seat !== undefined && killed !== null) {
        seat.starting = sleep(downMs).then(() => start(seat));
      }
      return killed;
    },
    killHosts: async (number) => {
      const pid = crew[number % seats]?.worker?.pid;
      const hosts = pid === undefined ? [] : await kernelHostsOf(pid);
      return hosts.filter((host) => signalTo(host, 'SIGKILL'));
    },
    killAll: async (until) => {
      const killed = await Promise.all(crew.map(kill));
      for (const [i, seat] of crew.entries()) {
        if (killed[i] !== null) seat.starting = until.then(() => start(seat));
      }
      return killed.filter((each) => each !== null);
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(crew.map(({ starting }) => starting));
      await Promise.all(crew.map(async ({ worker }) => worker?.stop(STOP_MS)));
    },
  };
}
