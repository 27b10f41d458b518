import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cellSteps, type CellStep } from '../../audit/index.ts';
import {
  openRecoveryWorld,
  type RecoveryWorld,
  until,
} from '../../bench/recovery/recovery-world.ts';

// Scope: a deployment that is replaced by its next version while a run goes on. Workers are processes; a scripted model.

const DEPLOYMENT = 'rlm';
let world: RecoveryWorld;
beforeAll(async () => {
  world = await openRecoveryWorld();
});
afterAll(() => world.close());

function version(buildId: string): NodeJS.ProcessEnv {
  return { RLM_DEPLOYMENT: DEPLOYMENT, RLM_BUILD_ID: buildId };
}

/** What `temporal worker deployment set-current-version` does; once a worker of that version polls. */
async function makeCurrent(buildId: string): Promise<void> {
  const { workflowService } = world.client.temporal.connection;
  await until(`version ${buildId} is current`, async () =>
    workflowService
      .setWorkerDeploymentCurrentVersion({
        namespace: 'default',
        deploymentName: DEPLOYMENT,
        buildId,
      })
      .then(
        () => true,
        () => false,
      ),
  );
}

/** Build ids that moved the executions of a run on, first to last. */
async function versionsOf(workflowId: string): Promise<string[][]> {
  const { workflow } = world.client.temporal;
  const executions: string[][] = [];
  let runId: string | undefined = (await workflow.getHandle(workflowId).describe()).runId;
  while (runId !== undefined && runId !== '') {
    const { events } = await workflow.getHandle(workflowId, runId).fetchHistory();
    const builds = (events ?? []).flatMap(
      ({ workflowTaskCompletedEventAttributes: task }) => task?.deploymentVersion?.buildId ?? [],
    );
    executions.unshift([...new Set(builds)]);
    runId = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? '';
  }
  return executions;
}

test('a run stays with its version until it continues as new, and then goes on with the current one', async () => {
  const held = Promise.withResolvers<string>();
  let asked = 0;
  world.script.root = (turn) => {
    if (turn === 1) return 'x = 1';
    if (turn === 2) return 'y = llm_query("held")';
    // The server tells a run of the new version with a workflow task some moments later: there must be turns until then.
    if (turn < 20) return `x += ${turn}\nfor _ in range(2_000_000): pass`;
    return 'answer.update(content=f"{x} {y}", ready=True)';
  };
  world.script.sub = () => {
    asked += 1;
    return held.promise;
  };
  const one = await world.worker([], version('1'));
  await makeCurrent('1');
  const run = await world.start();
  await until('the call is made', () => asked === 1);
  const two = await world.worker([], version('2'));
  await makeCurrent('2');
  held.resolve('answered');
  const { answer } = await world.client.result(run.workflowId);
  expect(answer).toBe('188 answered');
  expect(asked).toBe(1);
  // The cell that waited was ended by the version that had begun it.
  expect(await versionsOf(run.workflowId)).toEqual([['1'], ['2']]);
  // Private queues are not versioned, and serve runs that are.
  const ways = cellSteps(await run.trail()).map(({ way }: CellStep) => way);
  expect(ways).toContain('parked');
  await Promise.all([one.stop(), two.stop()]);
}, 180_000);
