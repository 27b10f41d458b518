import {
  type CellOutcome,
  type CellWay,
  type Digest,
  type JournalLink,
  type RunCellInput,
  type StepPlace,
} from '../protocol/index.ts';
import { digestOf } from '../store/index.ts';
import {
  type CellOutput,
  finishedOutcome,
  type FinishedReport,
  outputOf,
  rolledBackOutcome,
  storeCalls,
  waitingOutcome,
  type WaitingReport,
} from './cell-outcome.ts';
import { loadCode, loadEdits } from './cell-texts.ts';
import { ImageIncompatible } from './errors.ts';
import { MAX_ROUND } from './host/frames.ts';
import { type FaultKind, KernelFault } from './host/kernel-fault.ts';
import { appendLink, loadAnswers, readJournal, readTotals, settleDelivery } from './journal.ts';
import { type HostedReport, LeasedKernel } from './leased-kernel.ts';
import { openKernel } from './open-kernel.ts';
import { tooManyCalls } from './outside-calls.ts';
import { restKey, waitKey } from './park-keys.ts';
import type { StepContext } from './step-context.ts';

/**
 * One REPL step. A step that waits parks its kernel, one that finishes keeps it for the next cell; either is taken by
 * exactly one later attempt, and an attempt that finds none restores the image and replays the journal.
 */
export async function runStep(context: StepContext, input: RunCellInput): Promise<CellOutcome> {
  if (input.runtime !== context.runtime) {
    throw new ImageIncompatible(
      `the step belongs to runtime ${input.runtime}; this one is ${context.runtime}`,
    );
  }
  const step = new Step(context, input);
  // Model code that runs now ends at once: its kernel is disposed of under it.
  const abort = (): void => void step.abandon();
  context.signal.addEventListener('abort', abort, { once: true });
  try {
    return await step.run();
  } catch (error) {
    await step.abandon();
    context.signal.throwIfAborted();
    throw error;
  } finally {
    context.signal.removeEventListener('abort', abort);
  }
}

/** The call numbers of a cell go up by one; a kernel that says otherwise was tampered with. */
const FIRST_CALL = 1;

class Step {
  readonly #context: StepContext;
  readonly #input: RunCellInput;
  #kernel: LeasedKernel | undefined;
  #way: CellWay = 'fresh';
  #found: StepPlace['way'] = 'restored';
  /** Newest link of the journal, as far as this step has come. */
  #newest: Digest | null;
  #rounds: number[] = [];
  #calls = 0;
  #computeBefore = 0;

  constructor(context: StepContext, input: RunCellInput) {
    this.#context = context;
    this.#input = input;
    this.#newest = input.journal;
  }

  async abandon(): Promise<void> {
    await this.#kernel?.destroy();
  }

  async run(): Promise<CellOutcome> {
    const { journal, delivery } = this.#input;
    if (journal === null) {
      const resting = await this.#take(restKey(this.#input, this.#input.image.heapDigest));
      if (resting) this.#found = 'parked';
      this.#kernel = resting ?? (await this.#open());
      return this.#settle(await this.#start());
    }
    const { calls, rounds } = await readTotals(this.#context.store, journal);
    [this.#calls, this.#rounds] = [calls, rounds];
    const parked = await this.#take(waitKey(this.#input, journal));
    this.#way = parked ? 'parked' : 'replayed';
    this.#found = this.#way;
    if (parked) {
      this.#kernel = parked;
      this.#computeBefore = parked.computeMs;
    } else {
      const diverged = await this.#replay(await readJournal(this.#context.store, journal));
      if (diverged) return diverged;
    }
    if (delivery === null) throw new TypeError('a step with a journal needs a delivery');
    const answers = await settleDelivery(this.#context.store, this.#input.key, journal, delivery);
    const { clockMs } = delivery;
    if (answers.length > 0) {
      this.#newest = await appendLink(this.#context.store, {
        kind: 'delivery',
        previous: journal,
        clockMs,
        answers,
      });
    }
    return this.#settle(await this.#deliver(clockMs, answers));
  }

  get #leased(): LeasedKernel {
    if (this.#kernel === undefined) throw new Error('the step has no kernel');
    return this.#kernel;
  }

  async #take(key: string): Promise<LeasedKernel | undefined> {
    return LeasedKernel.take(this.#context.host, key);
  }

  #open(): Promise<LeasedKernel> {
    return openKernel(this.#context, this.#input.image);
  }

  async #start(): Promise<HostedReport> {
    const { store } = this.#context;
    const { key, clockMs, seed, limits } = this.#input;
    const { edits, texts } = await loadEdits(store, this.#input.edits);
    const body = {
      cell: key.cell,
      code: await loadCode(store, this.#input.code),
      edits,
      pendingCalls: Math.min(limits.pendingCalls, MAX_ROUND),
      outputBytes: limits.outputBytes,
      randomSeed: seed,
    };
    return this.#leased.start({ clockMs, seed, limits, body }, texts);
  }

  async #deliver(
    clockMs: number,
    delivered: ReadonlyArray<{ call: number; answer: Digest }>,
  ): Promise<HostedReport> {
    const { answers, texts } = await loadAnswers(this.#context.store, delivered);
    return this.#leased.deliver({ limits: this.#input.limits, clockMs, answers }, texts);
  }

  /** Brings a fresh kernel to where the journal ends. Returns the outcome when that fails by the cell's own doing. */
  async #replay(links: readonly JournalLink[]): Promise<CellOutcome | undefined> {
    this.#kernel = await this.#open();
    let report = await this.#start();
    for (const link of links) {
      if (link.kind === 'delivery') report = await this.#deliver(link.clockMs, link.answers);
      else {
        const differs = await this.#differs(report, link);
        if (differs !== undefined) return differs;
      }
    }
    return undefined;
  }

  async #differs(
    { report, texts }: HostedReport,
    link: JournalLink & { kind: 'round' },
  ): Promise<CellOutcome | undefined> {
    if (report.kind === 'fault')
      return this.#rolledBack(report.fault, report.message, outputOf(report, texts));
    if (report.kind === 'waiting') {
      const { calls } = await storeCalls(this.#context.store, report, texts);
      const same =
        calls.length === link.calls.length &&
        calls.every(
          ({ number, request }, i) =>
            link.calls[i]?.number === number && link.calls[i]?.request === request,
        );
      if (same) return undefined;
    }
    return this.#rolledBack(
      'divergence',
      'when replayed, it did not make the calls that are recorded',
      outputOf(report, texts),
    );
  }

  async #settle({ report, texts }: HostedReport): Promise<CellOutcome> {
    this.#context.signal.throwIfAborted();
    if (report.kind === 'fault')
      return this.#rolledBack(report.fault, report.message, outputOf(report, texts));
    return report.kind === 'waiting' ? this.#wait(report, texts) : this.#finish(report, texts);
  }

  #computed(): number {
    return Math.max(0, this.#leased.computeMs - this.#computeBefore);
  }

  async #rolledBack(
    kind: FaultKind | 'divergence',
    message: string,
    output: CellOutput,
  ): Promise<CellOutcome> {
    // A kernel that was taken away under its step looks like one that crashed; that is no doing of the cell.
    this.#context.signal.throwIfAborted();
    const outcome = await rolledBackOutcome(this.#context.store, kind, message, output, {
      computeMs: this.#computed(),
      way: this.#way,
    });
    await this.#leased.destroy();
    return { ...outcome, place: this.#place(false) };
  }

  /** Asked while the outcome is stored. */
  #mayKeep(): Promise<boolean> {
    const may = this.#context.room.mayKeep();
    // Thrown where it is awaited, should the step come that far.
    may.catch(() => undefined);
    return may;
  }

  /** Leaves the kernel for the next step, if the host can keep it. Only when the outcome is complete. */
  async #park(key: string, mayKeep: Promise<boolean>): Promise<{ place: StepPlace }> {
    const may = await mayKeep;
    this.#context.signal.throwIfAborted();
    const kept = may && (await this.#leased.park(key));
    if (!may) await this.#leased.destroy();
    return { place: this.#place(kept) };
  }

  #place(kept: boolean): StepPlace {
    const { room, host } = this.#context;
    return room.place(this.#found, host.pid, kept);
  }

  async #wait(report: WaitingReport, texts: readonly Buffer[]): Promise<CellOutcome> {
    const { store } = this.#context;
    const firstCall = FIRST_CALL + this.#calls;
    if (report.calls.some(({ number }, i) => number !== firstCall + i)) {
      return this.#rolledBack(
        'crash',
        'its calls are not numbered in order',
        outputOf(report, texts),
      );
    }
    const tooMany = tooManyCalls(report.calls);
    if (tooMany !== null) return this.#rolledBack('limit', tooMany, outputOf(report, texts));
    const mayKeep = this.#mayKeep();
    const { calls, requests } = await storeCalls(store, report, texts);
    const state = {
      previous: this.#newest,
      firstCall,
      rounds: this.#rounds,
      computeMs: this.#computed(),
      way: this.#way,
    };
    const outcome = await waitingOutcome(store, state, calls, requests);
    return { ...outcome, ...(await this.#park(waitKey(this.#input, outcome.journal), mayKeep)) };
  }

  async #finish(report: FinishedReport, texts: readonly Buffer[]): Promise<CellOutcome> {
    const { store } = this.#context;
    let imaged: Awaited<ReturnType<LeasedKernel['image']>>;
    try {
      imaged = await this.#leased.image();
    } catch (error) {
      if (error instanceof KernelFault) {
        return this.#rolledBack(error.kind, error.message, outputOf(report, texts));
      }
      throw error;
    }
    const { blob, heapDigest, heapBytes } = imaged;
    const image = { blob: digestOf(blob), heapDigest, storedBytes: blob.length, heapBytes };
    const mayKeep = this.#mayKeep();
    const finished = finishedOutcome(store, report, texts, {
      image,
      journal: this.#newest,
      calls: this.#calls,
      rounds: this.#rounds,
      computeMs: this.#computed(),
      way: this.#way,
    });
    // Together: each waits for the disk.
    const [outcome] = await Promise.all([finished, store.blobs.put(blob)]);
    return { ...outcome, ...(await this.#park(restKey(this.#input, heapDigest), mayKeep)) };
  }
}
