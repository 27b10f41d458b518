import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { workflowBundlePath } from '../support/shared-server.ts';
import { openWorld } from '../workflows/fake-world.ts';
import { SCENARIOS } from './scenarios.ts';

// Scope: a change of the workflows must still replay runs that older versions began. When a change is meant to differ
// (before a release only), record anew: RLM_RECORD_HISTORIES=1 npm test -- test/replay

const FOLDER = join(import.meta.dirname, 'histories');
const record = process.env['RLM_RECORD_HISTORIES'] === '1';

interface History {
  events: Record<string, Record<string, unknown>>[];
}

function replay(history: History): Promise<void> {
  const workflowBundle = { codePath: workflowBundlePath() };
  const { workflowId } = history.events[0]?.['workflowExecutionStartedEventAttributes'] ?? {};
  return Worker.runReplayHistory({ workflowBundle }, history, String(workflowId));
}

/** Recorded on any machine, the file names none: no process, host or path. */
function withoutMachine(key: string, value: unknown): unknown {
  if (key === 'identity' || key === 'workerInstanceKey') return 'recorded';
  if (key === 'stackTrace') return '';
  return typeof value === 'string' && /^\d+@/.test(value) ? 'recorded' : value;
}

function read(name: string): History {
  return JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8'));
}

describe('a recorded history', () => {
  test.each(SCENARIOS)(
    'replays: $name',
    async ({ name, request, script }) => {
      if (record) {
        const world = await openWorld(script(() => world.store));
        const { workflowId } = await world.run(request);
        const handle = world.client.temporal.workflow.getHandle(workflowId);
        const json = JSON.parse(historyToJSON(await handle.fetchHistory()), withoutMachine);
        writeFileSync(join(FOLDER, `${name}.json`), `${JSON.stringify(json)}\n`);
        await world.close();
      }
      await expect(replay(read(name))).resolves.toBeUndefined();
    },
    60_000,
  );

  test('that another workflow made does not: the check can fail', async () => {
    const history = read('sub-run');
    const scheduled = history.events.filter((event) =>
      Object.hasOwn(event, 'activityTaskScheduledEventAttributes'),
    );
    const attributes = scheduled[0]?.['activityTaskScheduledEventAttributes'];
    Object.assign(attributes as object, { activityType: { name: 'somethingElse' } });
    await expect(replay(history)).rejects.toBeInstanceOf(DeterminismViolationError);
  });

  test('belongs to a scenario: none is left over', () => {
    expect(readdirSync(FOLDER).toSorted()).toEqual(
      SCENARIOS.map(({ name }) => `${name}.json`).toSorted(),
    );
  });
});
