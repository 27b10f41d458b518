import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  answerRecordKey,
  CallRequest,
  type CellLimits,
  type CellOutcome,
  type Delivery,
  type Edit,
  type FinishedCell,
  type HeapImageRef,
  type JournalCall,
  JournalLink,
  NO_USAGE,
  type RolledBackCell,
  type RunCellInput,
  type WaitingCell,
} from '../../../protocol/index.ts';
import { openRepl, type Repl, type ReplOptions } from '../../../repl/index.ts';
import {
  getJson,
  getText,
  memoryStore,
  putJson,
  putText,
  type Store,
} from '../../../store/index.ts';

/** The cache that set-up fills, so that tests do not build base images. */
export const CACHE_DIR =
  process.env['RLM_CACHE_DIR'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'durable-rlm');

export const LIMITS: CellLimits = {
  computeMs: 20_000,
  heapMiB: 512,
  outputBytes: 100_000,
  filesBytes: 4 * 2 ** 20,
  pendingCalls: 2000,
};
export const START_MS = Date.UTC(2026, 0, 2, 3, 4, 5);
export const SEED = 'ab'.repeat(32);

export function openTestRepl(store: Store, options: Partial<ReplOptions> = {}): Promise<Repl> {
  return openRepl({ store, cacheDir: CACHE_DIR, ...options });
}

export interface CellOptions {
  edits?: Edit[];
  limits?: Partial<CellLimits>;
  seed?: string;
  clockMs?: number;
  answer?: (prompt: string, call: number) => string | { failed: string };
}

/** A finished cell with its texts read. */
export interface Ran extends Omit<FinishedCell, 'stdout' | 'stderr' | 'value'> {
  stdout: string;
  stderr: string;
  value: string | null;
  traceback: string | null;
}

/** Plays the workflow for one REPL: runs cells one after the other, and answers calls. */
export class Session {
  readonly store: Store;
  repl: Repl;
  image: HeapImageRef;
  workflowId: string;
  #cell = 0;

  constructor(repl: Repl, store: Store, workflowId = 'run') {
    this.repl = repl;
    this.store = store;
    this.image = repl.base;
    this.workflowId = workflowId;
  }

  /** A session of another name that goes on from the same image, its next cell with the same number. */
  fork(repl: Repl, workflowId: string): Session {
    const fork = new Session(repl, this.store, workflowId);
    fork.image = this.image;
    fork.#cell = this.#cell;
    return fork;
  }

  async input(code: string, options: CellOptions = {}): Promise<RunCellInput> {
    this.#cell += 1;
    return {
      key: { workflowId: this.workflowId, cell: `1.${this.#cell}`, cellAttempt: 1 },
      runtime: this.repl.runtime,
      image: this.image,
      edits: options.edits ?? [],
      code: await putText(this.store, code),
      seed: options.seed ?? SEED,
      clockMs: options.clockMs ?? START_MS + this.#cell * 1000,
      limits: { ...LIMITS, ...options.limits },
      journal: null,
      delivery: null,
    };
  }

  /** Runs a cell to its end, answering each round whole. */
  async outcome(code: string, options: CellOptions = {}): Promise<CellOutcome> {
    const input = await this.input(code, options);
    let outcome = await this.repl.runStep(input);
    while (outcome.kind === 'waiting') outcome = await this.resume(input, outcome, options);
    if (outcome.kind === 'finished') this.image = outcome.image;
    return outcome;
  }

  /** Answers the calls of a waiting cell and goes on. */
  async resume(
    input: RunCellInput,
    waiting: WaitingCell,
    options: CellOptions = {},
  ): Promise<CellOutcome> {
    const { calls } = await this.round(waiting);
    return this.deliver(input, waiting, calls, options);
  }

  /** Answers some calls and goes on. */
  async deliver(
    input: RunCellInput,
    waiting: WaitingCell,
    calls: JournalCall[],
    options: CellOptions & {
      afterMs?: number;
      run?: (next: RunCellInput) => Promise<CellOutcome>;
    } = {},
  ): Promise<CellOutcome> {
    const delivery: Delivery = {
      clockMs: input.clockMs + (options.afterMs ?? 500),
      recorded: [],
      failed: [],
      subRuns: [],
    };
    for (const { number, request } of calls) {
      const { prompt } = await getJson(this.store, request, CallRequest);
      const answer = options.answer?.(prompt, number) ?? `re ${prompt}`;
      if (typeof answer === 'string') {
        await this.record(input, number, request, answer);
        delivery.recorded.push([number, number]);
      } else {
        delivery.failed.push({
          calls: [[number, number]],
          type: 'Model.Rejected',
          message: answer.failed,
        });
      }
    }
    const next = { ...input, journal: waiting.journal, delivery };
    return options.run?.(next) ?? this.repl.runStep(next);
  }

  async record(input: RunCellInput, call: number, request: string, text: string): Promise<void> {
    const answer = { status: 'ok', text, model: 'test', finishReason: 'stop', usage: NO_USAGE };
    const { digest } = await putJson(this.store, answer);
    await this.store.records.create(answerRecordKey(input.key, call, request), digest);
  }

  async round(waiting: WaitingCell): Promise<Extract<JournalLink, { kind: 'round' }>> {
    const link = await getJson(this.store, waiting.journal, JournalLink);
    if (link.kind !== 'round') throw new Error('the newest link of a waiting cell is no round');
    return link;
  }

  /** Runs a cell that must finish. */
  async run(code: string, options: CellOptions = {}): Promise<Ran> {
    const outcome = await this.outcome(code, options);
    if (outcome.kind !== 'finished')
      throw new Error(`the cell ended otherwise: ${JSON.stringify(outcome)}`);
    return this.read(outcome);
  }

  async rolledBack(code: string, options: CellOptions = {}): Promise<RolledBackCell> {
    const outcome = await this.outcome(code, options);
    if (outcome.kind !== 'rolledBack')
      throw new Error(`the cell ended otherwise: ${JSON.stringify(outcome)}`);
    return outcome;
  }

  /** Runs a cell to its first wait. */
  async wait(
    code: string,
    options: CellOptions = {},
  ): Promise<{ input: RunCellInput; waiting: WaitingCell }> {
    const input = await this.input(code, options);
    const waiting = await this.repl.runStep(input);
    if (waiting.kind !== 'waiting')
      throw new Error(`the cell ended otherwise: ${JSON.stringify(waiting)}`);
    return { input, waiting };
  }

  async read(outcome: FinishedCell): Promise<Ran> {
    const text = (ref: FinishedCell['stdout']): Promise<string> => getText(this.store, ref);
    return {
      ...outcome,
      stdout: await text(outcome.stdout),
      stderr: await text(outcome.stderr),
      value: outcome.value && (await text(outcome.value)),
      traceback: outcome.error && (await text(outcome.error.traceback)),
    };
  }
}

export { memoryStore };
