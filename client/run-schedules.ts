import { type Client, ScheduleAlreadyRunning, ScheduleNotFoundError } from '@temporalio/client';
import { RUN_WORKFLOW, type RunSpec, RunStart, scheduleOwner } from '../protocol/index.ts';
import { keptBy, type Store } from '../store/index.ts';
import { InvalidRequest } from './errors.ts';
import { type RunRequest, toRunSpec } from './run-request.ts';
import { startOptions } from './start-options.ts';
import { scheduleSpec } from './schedule-spec.ts';
import { toClientError } from './to-client-error.ts';

export interface ScheduleTiming {
  /** Cron expressions, in `timezone`. */
  cron?: string[];
  /** Milliseconds between starts. */
  everyMs?: number;
  /** IANA name; default UTC. */
  timezone?: string;
}

export interface ScheduledRuns {
  scheduleId: string;
  paused: boolean;
  note: string;
  /** Times of the next starts, ISO. */
  next: string[];
  /** Workflow ids of the latest runs. */
  recent: string[];
}

interface RunSettings {
  searchAttributes: boolean;
  taskQueue: string;
  /** Id of the namespace. */
  server: string | undefined;
}

/** Runs of a saved spec on a Temporal Schedule. A start is skipped while the one before still runs. */
export class RunSchedules {
  readonly #temporal: Client;
  readonly #store: Store;
  readonly #runs: RunSettings;

  constructor(temporal: Client, store: Store, runs: RunSettings) {
    this.#temporal = temporal;
    this.#store = store;
    this.#runs = runs;
  }

  /** Stores the request and creates the schedule; each start gets the id `<scheduleId>-<time>`. */
  async create(scheduleId: string, request: RunRequest, timing: ScheduleTiming): Promise<void> {
    if (
      (timing.cron === undefined || timing.cron.length === 0) ===
      (timing.everyMs === undefined)
    ) {
      throw new InvalidRequest(
        'A schedule needs either cron expressions or an interval, not both.',
      );
    }
    const { server } = this.#runs;
    const spec = await keptBy(
      scheduleOwner(scheduleId),
      () => toRunSpec(this.#store, request),
      server === undefined ? {} : { server },
    );
    await this.#create(scheduleId, spec, timing);
  }

  async #create(scheduleId: string, spec: RunSpec, timing: ScheduleTiming): Promise<void> {
    const start = RunStart.parse({
      spec,
      parent: null,
      searchAttributes: this.#runs.searchAttributes,
    });
    try {
      await this.#temporal.schedule.create({
        scheduleId,
        spec: scheduleSpec(timing),
        policies: { overlap: 'SKIP' },
        action: {
          type: 'startWorkflow',
          workflowType: RUN_WORKFLOW,
          workflowId: scheduleId,
          taskQueue: this.#runs.taskQueue,
          args: [start],
          ...startOptions(start),
        },
      });
    } catch (error) {
      if (error instanceof ScheduleAlreadyRunning) {
        throw new InvalidRequest(
          `A schedule with the id ${scheduleId} exists already; delete it first or choose another id.`,
        );
      }
      // The SDK's own form of the server's INVALID_ARGUMENT.
      if (error instanceof TypeError) {
        throw new InvalidRequest(`The Temporal server refused the schedule: ${error.message}.`);
      }
      throw toClientError(error, {});
    }
  }

  async list(): Promise<ScheduledRuns[]> {
    const found: ScheduledRuns[] = [];
    try {
      for await (const s of this.#temporal.schedule.list()) {
        if (s.action?.type === 'startWorkflow' && s.action.workflowType !== RUN_WORKFLOW) continue;
        found.push({
          scheduleId: s.scheduleId,
          paused: s.state.paused,
          note: s.state.note ?? '',
          next: s.info.nextActionTimes.map((time) => time.toISOString()),
          recent: s.info.recentActions.flatMap((a) =>
            a.action.type === 'startWorkflow' ? [a.action.workflow.workflowId] : [],
          ),
        });
      }
    } catch (error) {
      throw toClientError(error, {});
    }
    return found;
  }

  /** Starts a run now, beside the timetable. */
  async trigger(scheduleId: string): Promise<void> {
    await this.#on(scheduleId, (handle) => handle.trigger());
  }

  async pause(scheduleId: string, note?: string): Promise<void> {
    await this.#on(scheduleId, (handle) => handle.pause(note));
  }

  async unpause(scheduleId: string, note?: string): Promise<void> {
    await this.#on(scheduleId, (handle) => handle.unpause(note));
  }

  /** Removes the timetable; runs that it started go on. */
  async delete(scheduleId: string): Promise<void> {
    await this.#on(scheduleId, (handle) => handle.delete());
  }

  async #on(
    scheduleId: string,
    act: (handle: ReturnType<Client['schedule']['getHandle']>) => Promise<void>,
  ): Promise<void> {
    try {
      await act(this.#temporal.schedule.getHandle(scheduleId));
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) {
        throw new InvalidRequest(`There is no schedule with the id ${scheduleId}.`);
      }
      throw toClientError(error, {});
    }
  }
}
