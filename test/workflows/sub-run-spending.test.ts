import { afterEach, describe, expect, test } from '@jest/globals';
import type { SubRunCall } from '../../protocol/index.ts';
import { putText, textRefOf } from '../../store/index.ts';
import { open, world } from './opened-world.ts';
import { ready, waiting } from './spending-run.ts';
import { finished, rolledBack } from './states.ts';

// Scope: what a sub-run is granted, and what the run that started it counts and is told, however it ends. Rooms are scripted.

afterEach(() => world.close());

function subRun(call: number): SubRunCall {
  return { call, prompt: textRefOf(`part ${call}`), context: null, model: null };
}

const isChild = (workflowId: string): boolean => workflowId.includes('/');

describe('a sub-run', () => {
  test('that is ended from outside counts its whole grant: nobody knows what it spent', async () => {
    const started = Promise.withResolvers<string>();
    const { client, cells } = await open({
      reply: async ({ workflowId, turn }) => {
        if (isChild(workflowId) && turn === 2) {
          started.resolve(workflowId);
          await new Promise((resolve) => setTimeout(resolve, 2000));
        }
        return ['go()'];
      },
      cell: ({ key, delivery }) => {
        if (isChild(key.workflowId)) return finished();
        return delivery === null ? waiting(1, [subRun(1)]) : ready();
      },
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await started.promise;
    const { events } = await client.temporal.workflow.getHandle(workflowId).fetchHistory();
    const child = events
      ?.map((event) => event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowId)
      .find(Boolean);
    await client.temporal.workflow.getHandle(child ?? '').terminate('by a person');
    const { result } = await client.result(workflowId);
    expect(cells.at(-1)?.delivery?.failed).toMatchObject([{ calls: [[1, 1]] }]);
    // Of $0.99 one of two shares.
    expect(result.spend.usage).toMatchObject({ costUsd: 0.01 + 0.495, estimated: true });
  });

  test('that is cancelled with its cell counts what it says that it spent', async () => {
    const { run } = await open({
      reply: async ({ workflowId, turn }) => {
        if (isChild(workflowId) && turn === 3) {
          await new Promise((resolve) => setTimeout(resolve, 10_000));
        }
        return ['go()'];
      },
      cell: ({ key, delivery }) => {
        if (isChild(key.workflowId)) return finished();
        if (key.cell === '2.1') return ready();
        return delivery === null ? waiting(10, [subRun(1)]) : rolledBack();
      },
    });
    const { result } = await run();
    // Two turns of the run and two of the sub-run, and nine sub-calls.
    expect(result.spend.usage.costUsd).toBeCloseTo(0.02 + 0.02 + 0.009);
    expect(result.spend.calls).toBe(10);
  });

  test('is cancelled with the run that started it, and so is its own, and what all spent is told', async () => {
    const deepest = Promise.withResolvers<void>();
    const depthOf = (workflowId: string): number => workflowId.split('/').length - 1;
    const { client } = await open({
      reply: async ({ workflowId, turn }) => {
        if (depthOf(workflowId) === 2 && turn === 2) {
          deepest.resolve();
          await new Promise((resolve) => setTimeout(resolve, 3000));
        }
        return ['go()'];
      },
      cell: ({ key, delivery }) =>
        depthOf(key.workflowId) < 2 && delivery === null ? waiting(1, [subRun(1)]) : finished(),
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text', maxDepth: 2 });
    await deepest.promise;
    await client.cancel(workflowId);
    await expect(client.result(workflowId)).rejects.toThrow(`Run ${workflowId} was cancelled.`);
    const running = await client.temporal.workflow.count(
      `ExecutionStatus = "Running" AND WorkflowId STARTS_WITH "${workflowId}"`,
    );
    expect(running.count).toBe(0);
    const progress = await client.progress(workflowId);
    expect(progress?.spend.calls).toBe(2);
    expect(progress?.spend.usage.costUsd).toBeCloseTo(0.03);
  });

  test('that spends less than its grant gives the rest back to the next', async () => {
    const budgets: number[] = [];
    const { run } = await open({
      resolve: ({ budget }) => void budgets.push(budget.costUsd ?? 0),
      reply: () => ['go()'],
      cell: ({ key, delivery }) => {
        if (isChild(key.workflowId)) return ready();
        if (delivery === null) return waiting(1, [subRun(1)]);
        const next = { ...waiting(1, [subRun(2)]), firstCall: 2 };
        return budgets.length === 2 ? next : ready();
      },
    });
    await run({ budget: { costUsd: 1 } });
    expect(budgets).toEqual([1, 0.495, 0.49]);
  });

  test('is charged for the prompts of calls that were cancelled with it', async () => {
    const called = Promise.withResolvers<void>();
    const prices = { inputUsdPerMTok: 10, cachedInputUsdPerMTok: 10, outputUsdPerMTok: 10 };
    const { client } = await open({
      reply: () => ['go()'],
      root: { prices },
      sub: { prices },
      cell: () => ({ ...waiting(2), longestPromptBytes: 4000 }),
      answer: () => {
        called.resolve();
        return new Promise((resolve) => setTimeout(resolve, 1500));
      },
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await called.promise;
    await client.cancel(workflowId);
    await expect(client.result(workflowId)).rejects.toThrow(`Run ${workflowId} was cancelled.`);
    const spend = (await client.progress(workflowId))?.spend;
    expect(spend?.calls).toBe(2);
    // The turn, and twice 1,000 tokens.
    expect(spend?.usage.costUsd).toBeCloseTo(0.01 + 0.02);
    expect(spend?.usage.estimated).toBe(true);
  });

  test('that ended at a limit gives its draft as a partial answer, and the model is told', async () => {
    const reasons: unknown[] = [];
    const { run, turns } = await open({
      reply: () => ['go()'],
      recordSubRun: ({ reason }) => void reasons.push(reason),
      cell: async ({ key, delivery }) => {
        const content = await putText(world.store, `draft of ${key.workflowId}`);
        if (isChild(key.workflowId)) return finished({ answer: { content, ready: false } });
        if (key.cell !== '1.1') return ready();
        return delivery === null ? waiting(1, [subRun(1)]) : finished();
      },
    });
    await run({ budget: { turns: 2 } });
    expect(reasons).toEqual(['turns']);
    expect(turns.at(-1)?.observation?.notes).toContain(
      'What sub-run 1.1.1 gave is partial: it ended early (turns) with its best draft (`.finish_reason` says so).',
    );
  });

  test('at the depth limit is asked as a sub-call, and the model is told', async () => {
    const { run, turns } = await open({
      reply: () => ['go()'],
      cell: ({ key, delivery }) => {
        if (key.cell === '2.1') return ready();
        return delivery === null ? waiting(1, [subRun(1)]) : finished();
      },
    });
    await run({ maxDepth: 0 });
    expect(turns[1]?.observation?.notes).toEqual([
      'rlm_query was answered by llm_query: sub-runs of this run may be nested 0 deep, and it is at depth 0.',
    ]);
  });
});
