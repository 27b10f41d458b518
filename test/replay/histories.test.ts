import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import {
  createMainActivities,
  createModelActivities,
  createReplActivities,
} from '../../activities/index.ts';
import { DeterminismViolationError } from '@temporalio/workflow';
import * as wireNames from '../../protocol/wire-names.ts';
import { startEmbeddedServer } from '../../worker/embedded-server.ts';
import { workflowBundlePath } from '../support/shared-server.ts';
import { openWorld, type World } from '../workflows/fake-world.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';

// Scope: a change of the workflows must still replay runs that older versions began. When a change is meant to differ
// (before a release only), record anew: RLM_RECORD_HISTORIES=1 npm test -- test/replay; of a new scenario alone: =new.

const FOLDER = join(import.meta.dirname, 'histories');
/** `1`: all anew. `new`: those that there are none of. */
const record = process.env['RLM_RECORD_HISTORIES'];

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

/** Plays a scenario; the history that it keeps, as JSON. */
async function recorded({
  script,
  suggestAt,
  request = {},
  meanwhile,
  keep,
  instead,
}: Scenario): Promise<string> {
  const server =
    suggestAt === undefined
      ? null
      : await startEmbeddedServer({
          inMemory: true,
          dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': suggestAt },
        });
  const world: World = await openWorld(
    script(() => world.store),
    server?.address,
  );
  try {
    const { client } = world;
    if (instead !== undefined) {
      const { workflow } = client.temporal;
      const { taskQueue } = client;
      const workflowId = `instead-${randomUUID()}`;
      const handle = await workflow.start(instead.workflow, {
        taskQueue,
        workflowId,
        args: instead.args,
      });
      await handle.result();
      return historyToJSON(await handle.fetchHistory());
    }
    const run = await client.start({ question: 'Why?', input: 'text', ...request });
    await meanwhile?.(client, run.workflowId);
    // Some scenarios end in a failure.
    await client.result(run.workflowId).catch(() => undefined);
    const { workflow } = client.temporal;
    const first = keep === 'first execution' ? run.runId : undefined;
    const history = await workflow.getHandle(run.workflowId, first).fetchHistory();
    if (keep !== 'child') return historyToJSON(history);
    const child = history.events?.flatMap(
      (event) => event.childWorkflowExecutionStartedEventAttributes?.workflowExecution ?? [],
    )[0];
    return historyToJSON(await workflow.getHandle(child?.workflowId ?? '').fetchHistory());
  } finally {
    await world.close();
    await server?.stop();
  }
}

describe('a recorded history', () => {
  test.each(SCENARIOS)(
    'replays: $name',
    async (scenario) => {
      const { name } = scenario;
      const isNew = !existsSync(join(FOLDER, `${name}.json`));
      if (record === '1' || (record === 'new' && isNew)) {
        const json = JSON.parse(await recorded(scenario), withoutMachine);
        writeFileSync(join(FOLDER, `${name}.json`), `${JSON.stringify(json)}\n`);
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

/** Read after those before were recorded. */
function someHistoryHas(...texts: string[]): boolean {
  const all = SCENARIOS.map(({ name }) => JSON.stringify(read(name)));
  return all.some((history) => texts.some((text) => history.includes(text)));
}

describe('the recorded histories', () => {
  const deps = {} as never;
  const activities = [
    ...Object.keys(createMainActivities(deps)),
    ...Object.keys(createModelActivities(deps)),
    ...Object.keys(createReplActivities(deps)),
  ];
  const messages = Object.entries(wireNames).flatMap(([key, name]) =>
    /_(UPDATE|SIGNAL|WORKFLOW)$/.test(key) && typeof name === 'string' ? [name] : [],
  );

  test.each([...activities, ...messages])('have one with %s', (name) => {
    expect(someHistoryHas(`"name":"${name}"`, `Name":"${name}"`)).toBe(true);
  });

  test('have one with each patch', () => {
    const folder = join(import.meta.dirname, '../../workflows');
    const code = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
    const patches = [...code.join('\n').matchAll(/\bpatched\('([^']+)'\)/g)].map(([, id]) => id);
    for (const id of patches) {
      const data = Buffer.from(JSON.stringify({ id, deprecated: false })).toString('base64');
      expect([id, someHistoryHas(data)]).toEqual([id, true]);
    }
  });
});
