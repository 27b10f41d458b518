import { createHash, createHmac, randomUUID } from 'node:crypto';
import {
  type CellLimits,
  type CellOutcome,
  type Delivery,
  type Digest,
  type Edit,
  type FinishedCell,
  type HeapImageRef,
  imageRecordKey,
  type JournalCall,
  JournalLink,
  rebuiltRecordKey,
  type RolledBackCell,
  type RunCellInput,
  type WaitingCell,
} from '../protocol/index.ts';
import { isLost, KernelCrashed, type Repl, takeOverImage } from '../repl/index.ts';
import {
  getJson,
  putText,
  type Store,
  textRefOf,
  uploadPackages,
  type Wheel,
} from '../store/index.ts';
import type { Answerer } from './repl-answers.ts';

/** What holds for all cells of a session. */
export interface SessionSettings {
  limits: CellLimits;
  /** Everything random in the session's Python follows from it. */
  seed: string;
  /** The time that the next cell or delivery is told, ms since the epoch. */
  now: () => number;
  answerer: Answerer;
  /** Every cell in another kernel, restored from the image before it. */
  restoreEach: boolean;
}

/** A cell that came to its end, with what it took on the way. */
export interface RanCell {
  outcome: FinishedCell | RolledBackCell;
  /** The session's image after it: the one before it when it was rolled back. */
  image: HeapImageRef;
  /** Calls of each round. */
  rounds: number[];
  /** All its stretches between waits, in ms. */
  computeMs: number;
}

/** Times that a cell is run when its kernel host dies under it. */
const ATTEMPTS = 3;
/** Cells of a session that starts from a stored image are numbered apart from those that the image remembers. */
const LATER_SESSIONS = { from: 1000, count: 9000 };

/** Plays the part of a run's workflow for cells that a person writes: one after the other, each from the image before it. */
export class ReplSession {
  readonly #repl: Repl;
  readonly #store: Store;
  readonly #settings: SessionSettings;
  readonly #secret: string;
  /** Own to this session, so that it finds no other session's kernels and answers. */
  readonly #id = `repl-${randomUUID()}`;
  readonly #turn: number;
  #cell = 0;
  image: HeapImageRef;

  private constructor(
    repl: Repl,
    store: Store,
    settings: SessionSettings,
    image: HeapImageRef | null,
  ) {
    this.#repl = repl;
    this.#store = store;
    this.#settings = settings;
    this.#secret = createHash('sha256').update(`seed ${settings.seed}`).digest('hex');
    this.image = image ?? repl.base;
    this.#turn = image === null ? 1 : laterTurn(image);
  }

  /** A session on a stored image, or on a new REPL when `image` is null. The values of `manifest` become `input_data`. */
  static async open(
    repl: Repl,
    store: Store,
    settings: SessionSettings,
    start: {
      image: HeapImageRef | null;
      manifest: Digest | null;
      packages: readonly Wheel[];
    },
  ): Promise<ReplSession> {
    const session = new ReplSession(repl, store, settings, start.image);
    const { manifest } = start;
    const edits: Edit[] =
      manifest === null ? [] : [{ kind: 'setManifest', variable: 'input_data', manifest }];
    if (start.packages.length > 0) {
      edits.push({ kind: 'addPackages', packages: await uploadPackages(store, start.packages) });
    }
    // The cell that opens a run's REPL, too.
    if (start.image === null || edits.length > 0) await session.#open(edits);
    return session;
  }

  /** Runs one cell to its end, answering its calls. `signal` destroys its kernel and rejects; the image stays as it was. */
  async run(code: string, signal?: AbortSignal): Promise<RanCell> {
    this.#cell += 1;
    const input = await this.#input(`${this.#turn}.${this.#cell}`, code, []);
    const rounds: number[] = [];
    let computeMs = 0;
    let outcome = await this.#step(input, signal);
    computeMs += outcome.computeMs;
    while (outcome.kind === 'waiting') {
      const { calls } = await this.#round(outcome);
      rounds.push(calls.length);
      const delivery = await this.#answers(input, outcome, calls, signal);
      outcome = await this.#step({ ...input, journal: outcome.journal, delivery }, signal);
      computeMs += outcome.computeMs;
    }
    if (outcome.kind === 'finished') await this.#keep(outcome.image);
    return { outcome, image: this.image, rounds, computeMs };
  }

  async #open(edits: Edit[]): Promise<void> {
    const outcome = await this.#step(await this.#input('0.0', '', edits));
    if (outcome.kind === 'rolledBack') throw new Error(outcome.message);
    if (outcome.kind === 'waiting') throw new Error('a cell without code waits for calls');
    await this.#keep(outcome.image);
  }

  /** An image is named by the state that it restores: its blob may be written in several ways. */
  async #keep(image: HeapImageRef): Promise<void> {
    const key = imageRecordKey(image.heapDigest);
    const named = await this.#store.records.create(key, image.blob);
    // Another session's image of the same heap must stay as long as this session does.
    if (named !== image.blob) await this.#takeOver(named, image.blob);
    this.image = image;
  }

  async #takeOver(named: Digest, same: Digest): Promise<void> {
    try {
      await takeOverImage(this.#store, named);
    } catch (error) {
      if (!isLost(error)) throw error;
      await this.#store.records.create(rebuiltRecordKey(named), same);
    }
  }

  async #input(cell: string, code: string, edits: Edit[]): Promise<RunCellInput> {
    const { limits, now, restoreEach } = this.#settings;
    return {
      // A kernel at rest serves the next cell of its own run only.
      key: { workflowId: restoreEach ? `${this.#id}-${cell}` : this.#id, cell, cellAttempt: 1 },
      runtime: this.#repl.runtime,
      image: this.image,
      edits,
      code: await putText(this.#store, code),
      seed: createHmac('sha256', Buffer.from(this.#secret, 'hex'))
        .update(`cell ${cell}`)
        .digest('hex'),
      clockMs: now(),
      limits,
      journal: null,
      delivery: null,
    };
  }

  /** A step whose host dies is run again; a cell that takes every host with it is at fault itself. */
  async #step(input: RunCellInput, signal?: AbortSignal): Promise<CellOutcome> {
    const lost = this.#repl.stats().hostsLost;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#repl.runStep(input, signal && { signal });
      } catch (error) {
        if (!(error instanceof KernelCrashed)) throw error;
        if (attempt < ATTEMPTS) continue;
        // No host was lost: none could be started.
        if (this.#repl.stats().hostsLost === lost) throw error;
        return crashed(error.message);
      }
    }
  }

  async #round({ journal }: WaitingCell): Promise<Extract<JournalLink, { kind: 'round' }>> {
    const link = await getJson(this.#store, journal, JournalLink);
    if (link.kind !== 'round') throw new Error('the newest link of a waiting cell is no round');
    return link;
  }

  async #answers(
    { key }: RunCellInput,
    { journal }: WaitingCell,
    calls: readonly JournalCall[],
    signal: AbortSignal | undefined,
  ): Promise<Delivery> {
    const store = this.#store;
    const answered = await this.#settings.answerer.answer({ store, key, journal, calls, signal });
    return { clockMs: this.#settings.now(), ...answered, subRuns: [] };
  }
}

/** From the image itself, so that the same cells on the same image give the same result. */
function laterTurn({ heapDigest }: HeapImageRef): number {
  const { from, count } = LATER_SESSIONS;
  return from + (Number.parseInt(heapDigest.slice(-6), 16) % count);
}

function crashed(why: string): RolledBackCell {
  const nothing = textRefOf('');
  return {
    kind: 'rolledBack',
    reason: 'crash',
    message: `The cell was rolled back, all variables are as before it: it ended ${ATTEMPTS} kernel hosts (${why}).`,
    stdout: nothing,
    stderr: nothing,
    computeMs: 0,
    way: 'fresh',
  };
}
