import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RlmClient } from '../../client/index.ts';
import { memoryStore } from '../../store/index.ts';
import { temporalAddress } from '../support/shared-server.ts';

// Scope: the timetable. Nothing works on the queue, so the runs that it starts only wait.

let client: RlmClient;
beforeAll(async () => {
  client = await RlmClient.connect({
    address: temporalAddress(),
    store: memoryStore(),
    taskQueue: `nobody-${randomUUID()}`,
  });
});
afterAll(() => client.close());

const REQUEST = { question: 'What is new?', input: 'text' };

async function find(
  id: string,
): Promise<Awaited<ReturnType<RlmClient['schedules']['list']>>[0] | undefined> {
  // Listing reads an index that follows a moment later.
  for (let i = 0; i < 50; i++) {
    const found = (await client.schedules.list()).find(({ scheduleId }) => scheduleId === id);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return undefined;
}

describe('a schedule', () => {
  test('starts runs of its saved spec, can be paused, and is gone when deleted', async () => {
    const id = `nightly-${randomUUID()}`;
    await client.schedules.create(id, REQUEST, { cron: ['0 3 * * *'] });
    expect(await find(id)).toMatchObject({
      paused: false,
      next: expect.arrayContaining([expect.stringMatching(/T03:00:00/)]),
    });

    await client.schedules.trigger(id);
    const handle = client.temporal.schedule.getHandle(id);
    let started: string | undefined;
    for (let i = 0; i < 100 && started === undefined; i++) {
      const { info } = await handle.describe();
      const action = info.recentActions[0]?.action;
      started = action?.type === 'startWorkflow' ? action.workflow.workflowId : undefined;
    }
    expect(started).toMatch(new RegExp(`^${id}-2`));
    const run = await client.temporal.workflow.getHandle(started ?? '').describe();
    expect([run.type, run.status.name]).toEqual(['rlmRun', 'RUNNING']);
    await client.temporal.workflow.getHandle(started ?? '').terminate();

    await client.schedules.pause(id, 'holiday');
    expect((await handle.describe()).state).toMatchObject({ paused: true, note: 'holiday' });
    await client.schedules.unpause(id);
    expect((await handle.describe()).state.paused).toBe(false);
    await client.schedules.delete(id);
    await expect(client.schedules.trigger(id)).rejects.toThrow(
      `There is no schedule with the id ${id}.`,
    );
  });

  test('is refused when its id is taken', async () => {
    const id = `taken-${randomUUID()}`;
    await client.schedules.create(id, REQUEST, { everyMs: 3_600_000 });
    await expect(client.schedules.create(id, REQUEST, { everyMs: 1000 })).rejects.toThrow(
      `A schedule with the id ${id} exists already; delete it first or choose another id.`,
    );
    await client.schedules.delete(id);
  });

  test('needs a cron expression or an interval, and a cron expression that is one', async () => {
    await expect(client.schedules.create('x', REQUEST, {})).rejects.toThrow(
      'A schedule needs either cron expressions or an interval, not both.',
    );
    await expect(
      client.schedules.create(`bad-${randomUUID()}`, REQUEST, { cron: ['every day'] }),
    ).rejects.toThrow(
      'The Temporal server refused the schedule: CronString does not have 5-7 fields.',
    );
  });
});
