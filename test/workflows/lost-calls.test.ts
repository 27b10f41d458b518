import { afterEach, describe, expect, test } from '@jest/globals';
import type { Allowance, CellOutcome } from '../../protocol/index.ts';
import { putText } from '../../store/index.ts';
import { openWorld, type Script, type World } from './fake-world.ts';
import { waiting } from './waiting-cell.ts';
import { finished } from './states.ts';

// Scope: what sub-calls cost whose activity ended by a timeout, so that nobody knows. Rooms are scripted.

let world: World;
afterEach(() => world.close());

async function ready(): Promise<CellOutcome> {
  return finished({ answer: { content: await putText(world.store, 'Done.'), ready: true } });
}

/** A run that asks a sub-model once. */
async function open(script: Partial<Script>): Promise<World> {
  world = await openWorld({
    reply: () => ['ask()'],
    cell: ({ delivery }) => (delivery === null ? waiting() : ready()),
    ...script,
  });
  return world;
}

/** Gives the run's sub-call under way less time, as the Temporal CLI can: its own timeouts are hours. */
async function endSoon(
  workflowId: string,
  timeout: 'scheduleToCloseTimeout' | 'scheduleToStartTimeout',
): Promise<void> {
  const { workflow, workflowService, options } = world.client.temporal;
  for (;;) {
    const { raw } = await workflow.getHandle(workflowId).describe();
    const call = raw.pendingActivities?.find(
      ({ activityType }) => activityType?.name === 'answerCall',
    );
    if (call !== undefined) {
      await workflowService.updateActivityOptions({
        namespace: options.namespace,
        execution: { workflowId },
        id: call.activityId ?? '',
        activityOptions: { [timeout]: { seconds: 1 } },
        updateMask: { paths: [timeout.replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)] },
      });
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a sub-call whose activity timed out', () => {
  test('counts all that it was granted: it may have been answered and paid for', async () => {
    const called = Promise.withResolvers<Partial<Allowance> | undefined>();
    const over = Promise.withResolvers<void>();
    const { client, cells } = await open({
      answer: async ({ allowance }) => {
        called.resolve(allowance);
        await over.promise;
      },
    });
    const { workflowId } = await client.start({
      question: 'Why?',
      input: 'text',
      budget: { tokens: 50_000 },
    });
    const granted = await called.promise;
    await endSoon(workflowId, 'scheduleToCloseTimeout');
    const { result } = await client.result(workflowId);
    over.resolve();
    expect(cells[1]?.delivery?.failed).toMatchObject([{ calls: [[1, 1]], type: 'TimeoutFailure' }]);
    // One of two shares of what the turn left: of $0.99, and of 50,000 tokens but its two.
    expect(granted).toEqual({ costUsd: 0.495, tokens: 24_999 });
    expect(result.spend.calls).toBe(1);
    expect(result.spend.usage).toMatchObject({
      costUsd: 0.01 + 0.495,
      inputTokens: 1 + 24_999,
      estimated: true,
    });
  });

  test('costs nothing when no worker had taken it', async () => {
    const { client, cells } = await open({ sub: { taskQueue: 'nobody-serves-this' } });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await endSoon(workflowId, 'scheduleToStartTimeout');
    const { result } = await client.result(workflowId);
    expect(cells[1]?.delivery?.failed).toMatchObject([{ type: 'TimeoutFailure' }]);
    expect(result.spend.usage).toMatchObject({ costUsd: 0.01, estimated: false });
  });
});
