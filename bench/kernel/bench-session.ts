import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import {
  answerRecordKey,
  type CellOutcome,
  type Edit,
  type FinishedCell,
  type HeapImageRef,
  JournalLink,
  NO_USAGE,
  type RunCellInput,
  type WaitingCell,
} from '../../protocol/index.ts';
import type { Repl } from '../../repl/index.ts';
import { getJson, putJson, putText, type Store } from '../../store/index.ts';

const LIMITS = {
  computeMs: 600_000,
  heapMiB: 4096,
  outputBytes: 2 ** 20,
  filesBytes: 2 ** 26,
  pendingCalls: 10_000,
};
const SEED = '5e'.repeat(32);
const START_MS = Date.UTC(2026, 0, 1);
/** A host is idle when it used less than this of a core, in ms, over the time between two looks. */
const IDLE_MS = 20;
const LOOK_MS = 250;
const IDLE_TIMEOUT_MS = 60_000;
/** Unit of the times in /proc. */
const TICK_MS = 10;
/** Where a host cannot be asked, it has this long. */
const BLIND_PAUSE_MS = 3000;

/** One run's REPL, driven as a workflow does, with the time of each step. */
export class BenchRun {
  readonly #repl: Repl;
  readonly #store: Store;
  readonly #name: string;
  #cell = 0;
  image: HeapImageRef;

  constructor(repl: Repl, store: Store, name: string, image = repl.base) {
    this.#repl = repl;
    this.#store = store;
    this.#name = name;
    this.image = image;
  }

  async input(code: string, edits: Edit[] = []): Promise<RunCellInput> {
    this.#cell += 1;
    return {
      key: { workflowId: this.#name, cell: `1.${this.#cell}`, cellAttempt: 1 },
      runtime: this.#repl.runtime,
      image: this.image,
      edits,
      code: await putText(this.#store, code),
      seed: SEED,
      clockMs: START_MS,
      limits: LIMITS,
      journal: null,
      delivery: null,
    };
  }

  /** Runs a cell that makes no calls. */
  async run(code: string, edits: Edit[] = []): Promise<{ ms: number; cell: FinishedCell }> {
    const input = await this.input(code, edits);
    const { ms, outcome } = await this.#timed(input);
    if (outcome.kind !== 'finished' || outcome.error !== null) throw unexpected(code, outcome);
    this.image = outcome.image;
    return { ms, cell: outcome };
  }

  /** Runs a cell up to the calls that it waits for. */
  async wait(code: string): Promise<{ ms: number; input: RunCellInput; cell: WaitingCell }> {
    const input = await this.input(code);
    const { ms, outcome } = await this.#timed(input);
    if (outcome.kind !== 'waiting') throw unexpected(code, outcome);
    return { ms, input, cell: outcome };
  }

  /** Answers all calls of a waiting cell. Recording the answers is not part of the time. */
  async resume(
    input: RunCellInput,
    { journal }: WaitingCell,
  ): Promise<{ ms: number; cell: FinishedCell }> {
    const link = await getJson(this.#store, journal, JournalLink);
    if (link.kind !== 'round') throw new Error('the newest link of a waiting cell is no round');
    const text = 'an answer of some length, '.repeat(10);
    const answer = { status: 'ok', text, model: 'none', finishReason: 'stop', usage: NO_USAGE };
    const { digest } = await putJson(this.#store, answer);
    for (const { number, request } of link.calls) {
      await this.#store.records.create(answerRecordKey(input.key, number, request), digest);
    }
    const { ms, outcome } = await this.#timed({
      ...input,
      journal,
      delivery: {
        clockMs: START_MS + 1000,
        recorded: [[1, link.calls.length]],
        failed: [],
        subRuns: [],
      },
    });
    if (outcome.kind !== 'finished' || outcome.error !== null) throw unexpected('resume', outcome);
    this.image = outcome.image;
    return { ms, cell: outcome };
  }

  async #timed(input: RunCellInput): Promise<{ ms: number; outcome: CellOutcome }> {
    const begun = performance.now();
    const outcome = await this.#repl.runStep(input);
    return { ms: performance.now() - begun, outcome };
  }
}

/** Waits until the kernel host does nothing any more, for instance has booted its spare kernels. */
export async function settle(repl: Repl): Promise<void> {
  if (!existsSync('/proc/self/stat')) return pause(BLIND_PAUSE_MS);
  const deadline = performance.now() + IDLE_TIMEOUT_MS;
  for (let before = hostCpuMs(repl); performance.now() < deadline;) {
    await pause(LOOK_MS);
    const now = hostCpuMs(repl);
    if (now - before < IDLE_MS) return;
    before = now;
  }
  throw new Error('the kernel host is never idle');
}

/** Resident memory of the kernel hosts in MiB. */
export function hostMiB(repl: Repl): number {
  const pids = repl.hostPids.join(',');
  const text = execFileSync('ps', ['-o', 'rss=', '-p', pids], { encoding: 'utf8' });
  return sum(
    text
      .trim()
      .split(/\s+/)
      .map((kib) => Number(kib) / 1024),
  );
}

/** Linux only: elsewhere `ps` tells whole seconds. */
function hostCpuMs(repl: Repl): number {
  return sum(
    repl.hostPids.map((pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
      return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
    }),
  );
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function unexpected(code: string, outcome: CellOutcome): Error {
  const told =
    outcome.kind === 'finished' ? (outcome.error?.message ?? 'finished') : JSON.stringify(outcome);
  return new Error(`the cell ${code.slice(0, 60)} ended otherwise: ${told.slice(0, 500)}`);
}
