import { type Client, ScheduleAlreadyRunning, ScheduleNotFoundError } from '@temporalio/client';
import {
  type CollectGarbageInput,
  type CollectGarbageResult,
  GARBAGE_WORKFLOW,
  runOwner,
  scheduleOwner,
} from '../protocol/index.ts';
import {
  collectGarbage,
  forget,
  type OwnerStatus,
  ownerStatus,
  type Store,
} from '../store/index.ts';
import { InvalidRequest } from './errors.ts';
import type { ScheduleTiming } from './run-schedules.ts';
import { scheduleSpec } from './schedule-spec.ts';
import { toClientError } from './to-client-error.ts';

/** Of the schedule that collects, one a namespace. */
const SCHEDULE_ID = 'rlm-gc';

/** What runs have left in the store: which of it stays, and what of the rest goes. */
export class RunGarbage {
  readonly #temporal: Client;
  readonly #store: Store;
  readonly #settings: { taskQueue: string; server: string | undefined };

  constructor(
    temporal: Client,
    store: Store,
    settings: { taskQueue: string; server: string | undefined },
  ) {
    this.#temporal = temporal;
    this.#store = store;
    this.#settings = settings;
  }

  /**
   * Frees what nothing keeps, in this process. With `olderThanMs` runs that ended longer ago are forgotten first. Safe
   * while runs go on; with `dryRun` nothing changes.
   */
  async collect(input: Partial<CollectGarbageInput> = {}): Promise<CollectGarbageResult> {
    return collectGarbage(
      this.#store,
      { olderThanMs: input.olderThanMs ?? null, dryRun: input.dryRun ?? false },
      { server: this.#settings.server ?? '', statusOf: (owner) => this.#statusOf(owner) },
    );
  }

  /**
   * Gives up all that a run and its sub-runs keep in the store: answer, images, trail. `collect` then frees what nothing
   * else keeps. Throws InvalidRequest while the run goes on, or when the store has nothing of it.
   */
  async forget(id: string): Promise<void> {
    const owner = /^(run|schedule|repl) /.test(id) ? id : runOwner(id);
    if ((await this.#statusOf(owner)).kind === 'open') {
      throw new InvalidRequest(`${owner} goes on: cancel it, or wait for its end, to forget it.`);
    }
    if (!(await forget(this.#store, owner))) {
      throw new InvalidRequest(`There is nothing of ${owner} in ${this.#store.describe()}.`);
    }
  }

  /** Forgets a schedule's spec; runs that it has started keep their own. */
  async forgetSchedule(scheduleId: string): Promise<void> {
    await this.forget(scheduleOwner(scheduleId));
  }

  /** Collects at fixed times, on the workers. Replaces what was scheduled before. */
  async schedule(
    timing: ScheduleTiming,
    input: Pick<CollectGarbageInput, 'olderThanMs'>,
  ): Promise<string> {
    const args: [CollectGarbageInput] = [{ ...input, dryRun: false }];
    await this.unschedule();
    try {
      await this.#temporal.schedule.create({
        scheduleId: SCHEDULE_ID,
        spec: scheduleSpec(timing),
        policies: { overlap: 'SKIP' },
        action: {
          type: 'startWorkflow',
          workflowType: GARBAGE_WORKFLOW,
          workflowId: SCHEDULE_ID,
          taskQueue: this.#settings.taskQueue,
          staticSummary: 'frees what no run keeps in the store',
          args,
        },
      });
    } catch (error) {
      if (error instanceof ScheduleAlreadyRunning) {
        throw new InvalidRequest(`Another process has just scheduled ${SCHEDULE_ID}: try again.`);
      }
      if (error instanceof TypeError) {
        throw new InvalidRequest(`The Temporal server refused the schedule: ${error.message}.`);
      }
      throw toClientError(error, {});
    }
    return SCHEDULE_ID;
  }

  /** Collects no more at fixed times; false when it did not. */
  async unschedule(): Promise<boolean> {
    try {
      await this.#temporal.schedule.getHandle(SCHEDULE_ID).delete();
      return true;
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) return false;
      throw toClientError(error, {});
    }
  }

  async #statusOf(owner: string): Promise<OwnerStatus> {
    try {
      return await ownerStatus(this.#temporal, owner);
    } catch (error) {
      throw toClientError(error, {});
    }
  }
}
