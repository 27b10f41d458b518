import { afterEach, describe, expect, test } from '@jest/globals';
import type { AnswerCallInput } from '../../protocol/index.ts';
import { putText } from '../../store/index.ts';
import { openWorld, type World } from './fake-world.ts';
import { waiting } from './waiting-cell.ts';
import { finished } from './states.ts';

// Scope: sub-calls that name a model are asked of it, at its price. Rooms are scripted; server, worker and client are real.

let world: World | undefined;
afterEach(() => world?.close());

/** Runs one round of so many calls, of which those from the third on to the last but one name `big`, and one a model that nobody knows. */
async function askedModels(callCount: number): Promise<Map<string, number[]>> {
  const asked = new Map<string, number[]>();
  const stop = waiting({
    callCount,
    models: [
      { model: 'big', calls: [[3, callCount - 1]] },
      { model: 'unknown', calls: [[callCount, callCount]] },
    ],
  });
  const opened = await openWorld({
    others: ['big', 'bigger'],
    reply: () => ['ask()'],
    cell: async ({ delivery }) =>
      delivery === null
        ? stop
        : finished({ answer: { content: await putText(opened.store, 'Done.'), ready: true } }),
    answer: ({ card, call }: AnswerCallInput) => {
      asked.set(card.name, [...(asked.get(card.name) ?? []), call]);
      return 0;
    },
  });
  world = opened;
  const { result } = await opened.run({ confirm: 'never', budget: { calls: 5000 } });
  expect(result).toMatchObject({ reason: 'answered', spend: { calls: callCount } });
  return asked;
}

describe('sub-calls that name a model', () => {
  test('are asked of it; one that nobody knows is left to the sub-model to refuse', async () => {
    const asked = await askedModels(6);
    expect(asked.get('sub-model')?.toSorted((a, b) => a - b)).toEqual([1, 2, 6]);
    expect(asked.get('big')?.toSorted((a, b) => a - b)).toEqual([3, 4, 5]);
    expect(asked.size).toBe(2);
  }, 60_000);

  test('of a wide round go to batches of their own', async () => {
    const asked = await askedModels(600);
    expect(asked.get('sub-model')?.toSorted((a, b) => a - b)).toEqual([1, 2, 600]);
    expect(asked.get('big')).toHaveLength(597);
  }, 120_000);
});
