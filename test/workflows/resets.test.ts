import { afterEach, describe, expect, test } from '@jest/globals';
import { callAttempts, readBatchTrails, readTrailAt } from '../../audit/index.ts';
import { openRealWorld, type RealScript, type RealWorld } from '../support/real-world.ts';

// Scope: a run that is reset as the Web UI does it, while something of it is under way. All rooms are real, the model is scripted.

let world: RealWorld;
afterEach(() => world.close());

async function open(script: RealScript): Promise<RealWorld> {
  world = await openRealWorld(script);
  return world;
}

/** Resets a run to the workflow task before its first cell, and returns the id of its new execution. */
async function resetBeforeFirstCell(workflowId: string): Promise<string> {
  const { workflow, workflowService, options } = world.client.temporal;
  const handle = workflow.getHandle(workflowId);
  const { runId } = await handle.describe();
  const { events } = await handle.fetchHistory();
  const cell = (events ?? []).find(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'runCell',
  );
  const workflowTaskFinishEventId =
    cell?.activityTaskScheduledEventAttributes?.workflowTaskCompletedEventId;
  const { runId: next } = await workflowService.resetWorkflowExecution({
    namespace: options.namespace,
    workflowExecution: { workflowId, runId },
    reason: 'a test',
    requestId: `reset-${runId}`,
    ...(workflowTaskFinishEventId ? { workflowTaskFinishEventId } : {}),
  });
  return next;
}

/** How often each prompt was sent. */
function asked(prompts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const prompt of prompts) counts[prompt] = (counts[prompt] ?? 0) + 1;
  return counts;
}

const DONE = 'answer.update(content="|".join(parts), ready=True)';

test('a run that is reset in the middle of a round pays again only for the call that had no answer', async () => {
  const prompts: string[] = [];
  const held = Promise.withResolvers<void>();
  const four = Promise.withResolvers<void>();
  let answered = 0;
  const { client } = await open({
    root: (_question, turn) =>
      turn === 1 ? 'parts = llm_query_batched([f"Part {i}" for i in range(5)])' : DONE,
    sub: async (prompt) => {
      prompts.push(prompt);
      if (prompt === 'Part 3' && answered < 100) await held.promise;
      if (++answered === 4) setTimeout(four.resolve, 500);
      return `said ${prompt}`;
    },
  });
  const { workflowId } = await client.start({ question: 'Q: reset', input: 'text' });
  await four.promise;
  await resetBeforeFirstCell(workflowId);
  held.resolve();
  const { answer, result } = await client.result(workflowId);
  expect(answer).toBe('said Part 0|said Part 1|said Part 2|said Part 3|said Part 4');
  const { 'Part 3': lost, ...others } = asked(prompts);
  expect(Object.values(others)).toEqual([1, 1, 1, 1]);
  expect(lost).toBeLessThanOrEqual(2);
  // What the answers cost is counted although this execution did not pay for them.
  expect(result.spend.calls).toBe(5);
  const { usage } = result.spend;
  await world.close();
  const undisturbed = await open({
    root: (_question, turn) =>
      turn === 1 ? 'parts = llm_query_batched([f"Part {i}" for i in range(5)])' : DONE,
    sub: (prompt) => `said ${prompt}`,
  });
  const whole = (await undisturbed.client.run({ question: 'Q: reset', input: 'text' })).result
    .spend;
  // All once; of the call that two executions made, what both have cost.
  const again = (lost ?? 1) - 1;
  expect(usage.outputTokens - whole.usage.outputTokens).toBeLessThanOrEqual(3 * again);
  expect(usage.outputTokens - whole.usage.outputTokens).toBeGreaterThanOrEqual(0);
}, 120_000);

test('a wide round whose run is reset in its middle pays for no answer again, and the audit has all of it', async () => {
  const CALLS = 510;
  const prompts: string[] = [];
  const held = Promise.withResolvers<void>();
  const nearlyAll = Promise.withResolvers<void>();
  let answered = 0;
  const { client } = await open({
    root: (_question, turn) =>
      turn === 1 ? `parts = llm_query_batched([f"Part {i}" for i in range(${CALLS})])` : DONE,
    sub: async (prompt) => {
      prompts.push(prompt);
      if (prompt === 'Part 300' && answered < CALLS - 1) await held.promise;
      if (++answered === CALLS - 1) setTimeout(nearlyAll.resolve, 500);
      return `said ${prompt}`;
    },
  });
  const { workflowId } = await client.start({ question: 'Q: wide', input: 'text' });
  await nearlyAll.promise;
  await resetBeforeFirstCell(workflowId);
  held.resolve();
  const { answer, result } = await client.result(workflowId);
  expect(answer?.split('|')).toEqual(Array.from({ length: CALLS }, (_, i) => `said Part ${i}`));
  const { 'Part 300': lost, ...others } = asked(prompts);
  expect(Object.values(others).every((count) => count === 1)).toBe(true);
  expect(Object.keys(others)).toHaveLength(CALLS - 1);
  expect(lost).toBeLessThanOrEqual(2);
  expect(result.spend.calls).toBe(CALLS);
  const trail = await readTrailAt(client.store, result.trail ?? '', workflowId);
  const batches = await readBatchTrails(client.store, trail);
  const calls = batches.flatMap((batch) => callAttempts(batch));
  expect(callAttempts(trail)).toEqual([]);
  expect(calls.map(({ call }) => call).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: CALLS }, (_, i) => i + 1),
  );
  expect(calls.filter(({ repeated }) => repeated).length).toBeGreaterThanOrEqual(CALLS - 1);
}, 180_000);

describe('a run that is reset while it has sub-runs', () => {
  test('does not start again the one that had answered, and the other one finds what it had paid for', async () => {
    const prompts: string[] = [];
    const turns: string[] = [];
    const held = Promise.withResolvers<void>();
    const isHeld = Promise.withResolvers<void>();
    const { client } = await open({
      root: async (question, turn) => {
        turns.push(`${question} ${turn}`);
        if (question === 'Q: all') {
          return turn === 1 ? 'parts = [rlm_query("Q: fast"), rlm_query("Q: slow")]' : DONE;
        }
        if (turn === 1) return `found = llm_query("Look for ${question.slice(3)}")`;
        if (question === 'Q: slow') {
          isHeld.resolve();
          await held.promise;
        }
        return 'answer.update(content=found, ready=True)';
      },
      sub: (prompt) => {
        prompts.push(prompt);
        return `said ${prompt}`;
      },
    });
    const { workflowId } = await client.start({ question: 'Q: all', input: 'text' });
    await isHeld.promise;
    await resetBeforeFirstCell(workflowId);
    held.resolve();
    const { answer, result } = await client.result(workflowId);
    expect(answer).toBe('said Look for fast|said Look for slow');
    expect(asked(prompts)).toEqual({ 'Look for fast': 1, 'Look for slow': 1 });
    const { 'Q: slow 2': lost, ...others } = asked(turns);
    expect(others).toEqual({
      'Q: all 1': 1,
      'Q: fast 1': 1,
      'Q: fast 2': 1,
      'Q: slow 1': 1,
      'Q: all 2': 1,
    });
    expect(lost).toBeLessThanOrEqual(2);
    // Two sub-runs, and a call of each.
    expect(result.spend.calls).toBe(4);
    // None of the first execution's children goes on.
    const running = await client.temporal.workflow.count(
      `ExecutionStatus = "Running" AND WorkflowId STARTS_WITH "${workflowId}"`,
    );
    expect(running.count).toBe(0);
  }, 120_000);
});
