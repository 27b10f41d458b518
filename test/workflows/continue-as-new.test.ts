import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { putText } from '../../store/index.ts';
import { type EmbeddedServer, startEmbeddedServer } from '../../worker/embedded-server.ts';
import { openWorld } from './fake-world.ts';
import { finished } from './states.ts';

// Scope: a run longer than one history. Its server suggests to continue after 60 events instead of thousands.

let server: EmbeddedServer;
beforeAll(async () => {
  server = await startEmbeddedServer({
    inMemory: true,
    dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 60 },
  });
});
afterAll(() => server.stop());

describe('a run that outgrows its history', () => {
  test('goes on in another execution with draft, spend, clock and turn count, and seals each history', async () => {
    const world = await openWorld(
      {
        reply: ({ turn }) => [`step(${turn})`],
        cell: async ({ key }) => {
          const turn = Number(key.cell.split('.')[0]);
          const content = await putText(world.store, `Draft of turn ${turn}`);
          return finished({ answer: { content, ready: turn === 12 } });
        },
      },
      server.address,
    );
    try {
      const clock = { startMs: 0, stepMs: 1 };
      const { answer, result, workflowId } = await world.run({ clock, seed: 'long' });
      expect([answer, result.draftVersion, result.spend.turns]).toEqual([
        'Draft of turn 12',
        12,
        12,
      ]);
      expect(world.turns.map(({ turn }) => turn)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
      // One reading per step, also across executions.
      expect(world.cells.map(({ clockMs }) => clockMs)).toEqual(
        Array.from({ length: 12 }, (_, i) => i + 2),
      );
      expect(world.sealed.length).toBeGreaterThan(1);
      const first = await world.client.temporal.workflow.getHandle(workflowId).describe();
      expect(first.status.name).toBe('COMPLETED');
      // The list of executions follows a moment later.
      let count = 0;
      for (let i = 0; i < 50 && count < world.sealed.length; i++) {
        count = (await world.client.temporal.workflow.count(`WorkflowId = "${workflowId}"`)).count;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect(count).toBe(world.sealed.length);
    } finally {
      await world.close();
    }
  });

  test('knows after it which citations were looked up, and that the model was asked about them', async () => {
    const wrong = 'Citation 2 ("x"): these words do not stand in "a".';
    const citations = { digest: `sha256:${'1'.repeat(64)}`, sizeBytes: 1, chars: 1 };
    const world = await openWorld(
      {
        reply: ({ turn }) => [`step(${turn})`],
        cell: async ({ key }) => {
          const ready = ['1.1', '12.1'].includes(key.cell);
          const content = await putText(world.store, 'Yes.');
          return finished({ answer: { content, ready, citations } });
        },
        cite: () => [wrong],
      },
      server.address,
    );
    try {
      const { result } = await world.run();
      expect([result.reason, result.spend.turns]).toEqual(['answered', 12]);
      expect(result.citations).toMatchObject({ total: 2, verified: 1 });
      expect(world.turns[1]?.observation?.notes).toContain(wrong);
      expect(world.looked).toHaveLength(1);
      expect(world.sealed.length).toBeGreaterThan(1);
    } finally {
      await world.close();
    }
  });
});
