import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RunAnswer } from '../../client/index.ts';
import { type EmbeddedServer, startEmbeddedServer } from '../../worker/embedded-server.ts';
import { openRealWorld, type RealScript } from '../support/real-world.ts';
import type { RunCellInput } from '../../protocol/index.ts';
import { putText } from '../../store/index.ts';
import { temporalAddress } from '../support/shared-server.ts';
import { openWorld } from './fake-world.ts';
import { waiting } from './waiting-cell.ts';
import { finished } from './states.ts';

// Scope: a run whose history is cut again and again, in the middle of a cell too. All rooms are real, the model is scripted.

let server: EmbeddedServer;
beforeAll(async () => {
  server = await startEmbeddedServer({
    inMemory: true,
    dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 60 },
  });
});
afterAll(() => server.stop());

const SCRIPT: RealScript = {
  root: (question, turn) => {
    if (question.startsWith('Q: part'))
      return 'answer.update(content=input_data[::-1], ready=True)';
    if (turn === 1) {
      return `import random
parts = []
for i in range(25):
    parts.append(llm_query(f"Say {i} and {random.random()}"))
parts += llm_query_batched([f"Also {i}" for i in range(12)])
for i in range(3):
    parts.append(rlm_query(f"Q: part {i}", context=f"abc{i}"))
`;
    }
    return 'answer.update(content="|".join(parts) + f" {random.random()}", ready=True)';
  },
  sub: (prompt) => `said ${prompt.slice(-8)}`,
};

async function runOn(address: string): Promise<{ answer: RunAnswer; executions: number }> {
  const world = await openRealWorld(SCRIPT, address);
  try {
    const answer = await world.client.run({
      question: 'Q: all',
      input: 'text',
      seed: 'long',
      clock: { startMs: 1_700_000_000_000, stepMs: 1000 },
    });
    const { workflow } = world.client.temporal;
    const ids = new Set<string>();
    let runId: string | undefined = (await workflow.getHandle(answer.workflowId).describe()).runId;
    while (runId !== undefined && runId !== '') {
      ids.add(runId);
      const { events } = await workflow.getHandle(answer.workflowId, runId).fetchHistory();
      runId = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? '';
    }
    return { answer, executions: ids.size };
  } finally {
    await world.close();
  }
}

describe('a cell of 25 calls one after another, a round of 12 and three sub-runs', () => {
  test('has the same answer, heap and spend in many executions as in one', async () => {
    const cut = await runOn(server.address);
    const whole = await runOn(temporalAddress());
    expect([whole.executions, cut.executions > 3]).toEqual([1, true]);
    expect(cut.answer.answer).toBe(whole.answer.answer);
    expect(cut.answer.answer).toMatch(/^said .*2cba 0\.\d+$/);
    const { spend, image } = whole.answer.result;
    expect(cut.answer.result.spend).toEqual({ ...spend, computeMs: expect.any(Number) });
    expect(spend.calls).toBe(25 + 12 + 3);
    expect(cut.answer.result.image.heapDigest).toBe(image.heapDigest);
  }, 180_000);
});

describe('what a run leaves on the server', () => {
  const runOf = async (turns: number): Promise<{ bytes: number; calls: number; input: number }> => {
    const inputs: RunCellInput[] = [];
    const stop = waiting({ callCount: 20 });
    const world = await openWorld({
      reply: ({ turn }) => [`turn(${turn})`],
      cell: async (input) => {
        inputs.push(input);
        if (input.delivery === null) return stop;
        const ready = input.key.cell === `${turns}.1`;
        return finished({ answer: { content: await putText(world.store, 'Done.'), ready } });
      },
    });
    try {
      const { workflowId, result } = await world.run({
        input: 'x'.repeat(2_000_000),
        budget: { turns: turns + 2, calls: 10_000 },
        confirm: 'never',
      });
      const { historySize = 0 } = await world.client.temporal.workflow
        .getHandle(workflowId)
        .describe();
      const input = Math.max(...inputs.map((one) => JSON.stringify(one).length));
      return { bytes: historySize, calls: result.spend.calls, input };
    } finally {
      await world.close();
    }
  };

  test('grows with its calls and turns, not with their square, nor with the input', async () => {
    const [short, long] = [await runOf(5), await runOf(20)];
    expect([short.calls, long.calls]).toEqual([100, 400]);
    expect(long.bytes / short.bytes).toBeLessThan(5);
    // No step carries the input: two megabytes of it are in none.
    expect(long.input).toBeLessThan(8192);
  }, 120_000);
});
