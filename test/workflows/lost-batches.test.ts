import { afterEach, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import type { RlmClient } from '../../client/index.ts';
import type { AnswerCallInput, CallRanges, FindAnsweredInput } from '../../protocol/index.ts';
import { putText } from '../../store/index.ts';
import { openRealWorld } from '../support/real-world.ts';
import { openWorld, type Script, type World } from './fake-world.ts';
import { waiting } from './waiting-cell.ts';
import { finished } from './states.ts';

// Scope: batches of a wide round that somebody ends again and again.

const CALLS = 501;
const HELD = 7;
/** Calls of the batch that waits for that one: its part of the three. */
const MINE = 167;
const ATTEMPTS = 5;

let close: () => Promise<void>;
afterEach(() => close());

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** The attempts at the first batch, by their ids. */
async function attemptsOf({ temporal }: RlmClient, workflowId: string): Promise<string[]> {
  const { events } = await temporal.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap(
    ({ startChildWorkflowExecutionInitiatedEventAttributes: started }) =>
      started?.workflowId?.includes('-calls-1-') === true ? [started.workflowId] : [],
  );
}

/** Ends the newest attempt of the first batch. */
async function endBatch(client: RlmClient, workflowId: string): Promise<void> {
  const newest = (await attemptsOf(client, workflowId)).at(-1) ?? '';
  await client.temporal.workflow.getHandle(newest).terminate('by a person');
}

describe('a batch that is ended again and again', () => {
  /** A run that has one round, one of whose calls is held. Its batch is ended so often, each time when all others of it are answered. */
  async function run(
    times: number,
    script: Partial<Script> = {},
  ): Promise<{ world: World; spend: { calls: number; costUsd: number; estimated: boolean } }> {
    const released = Promise.withResolvers<void>();
    let held = 0;
    let answered = 0;
    const world = await openWorld({
      reply: () => ['ask()'],
      cell: async ({ delivery }) =>
        delivery === null
          ? waiting({ callCount: CALLS })
          : finished({ answer: { content: await putText(world.store, 'Done.'), ready: true } }),
      answer: async ({ call }: AnswerCallInput) => {
        if (call === HELD) {
          held += 1;
          await released.promise;
        } else if (call <= MINE) answered += 1;
      },
      ...script,
    });
    close = () => world.close();
    const { client } = world;
    // With a fixed clock the round is delivered whole, however long this takes.
    const clock = { startMs: 0, stepMs: 1000 };
    const { workflowId } = await client.start({ question: 'Why?', input: 'text', clock });
    for (let ended = 1; ended <= times; ended++) {
      await until(() => held >= ended && answered >= ended * (MINE - 1));
      await endBatch(client, workflowId);
    }
    if (times < ATTEMPTS) await until(() => held > times);
    released.resolve();
    const { result } = await client.result(workflowId);
    const attempts = await attemptsOf(client, workflowId);
    expect([result.reason, attempts.length]).toEqual(['answered', ATTEMPTS]);
    const { calls, usage } = result.spend;
    return { world, spend: { calls, costUsd: usage.costUsd, estimated: usage.estimated } };
  }

  test('is started again each time, and loses and doubles nothing', async () => {
    const { world, spend } = await run(ATTEMPTS - 1);
    expect(world.cells[1]?.delivery).toMatchObject({ recorded: [[1, CALLS]], failed: [] });
    expect(spend).toEqual({
      calls: CALLS,
      costUsd: expect.closeTo(0.01 + CALLS * 0.001),
      estimated: false,
    });
  }, 60_000);

  const found: CallRanges = [
    [1, HELD - 1],
    [HELD + 1, MINE],
  ];

  test('fails in the end the calls alone that have no answer in the store, and its grant counts', async () => {
    const asked: FindAnsweredInput[] = [];
    const { world, spend } = await run(ATTEMPTS, {
      answered: (input) => {
        asked.push(input);
        return found;
      },
    });
    expect(asked).toMatchObject([{ key: { cell: '1.1', cellAttempt: 1 }, calls: [[1, MINE]] }]);
    expect(world.cells[1]?.delivery).toMatchObject({
      recorded: [
        [1, HELD - 1],
        [HELD + 1, CALLS],
      ],
      failed: [{ calls: [[HELD, HELD]], type: 'TerminatedFailure' }],
    });
    // Of $0.99 one of four shares, and what the other two batches cost.
    expect(spend).toEqual({
      calls: CALLS,
      costUsd: expect.closeTo(0.01 + 0.99 / 4 + (CALLS - MINE) * 0.001),
      estimated: true,
    });
  }, 60_000);

  test('fails its calls when the store cannot be asked, and the run goes on', async () => {
    const { world } = await run(ATTEMPTS, {
      answered: () => {
        throw ApplicationFailure.nonRetryable('The store is gone.');
      },
    });
    const failed = world.cells[1]?.delivery?.failed ?? [];
    expect(failed).toMatchObject([{ type: 'TerminatedFailure', message: 'Terminated' }]);
    expect(failed[0]?.calls.some(([from, to]) => from <= HELD && HELD <= to)).toBe(true);
  }, 60_000);
});

test('a real batch that is ended five times: each answer that was paid for is given, and paid for once', async () => {
  const asked = new Map<string, number>();
  const released = Promise.withResolvers<void>();
  const world = await openRealWorld({
    root: (_question, turn) =>
      turn === 1
        ? `rs = llm_query_batched([f"Say {i}" for i in range(1, ${CALLS + 1})])`
        : 'FINAL([sum(map(ok, rs)), [(i + 1, r.error) for i, r in enumerate(rs) if not ok(r)], rs[0]])',
    sub: async (prompt) => {
      asked.set(prompt, (asked.get(prompt) ?? 0) + 1);
      if (prompt === `Say ${HELD}`) await released.promise;
      return `said ${prompt}`;
    },
  });
  close = () => world.close();
  const { client } = world;
  const { workflowId } = await client.start({ question: 'Q: all', input: 'text' });
  for (let ended = 1; ended <= ATTEMPTS; ended++) {
    await until(() => asked.size === CALLS && (asked.get(`Say ${HELD}`) ?? 0) >= ended);
    // What was answered last is being stored.
    await new Promise((resolve) => setTimeout(resolve, 500));
    await endBatch(client, workflowId);
  }
  const { answer } = await client.result(workflowId);
  released.resolve();
  expect(JSON.parse(answer ?? '')).toEqual([
    CALLS - 1,
    [
      [
        HELD,
        'TerminatedFailure: Not answered: the batch of calls that it was in was ended from outside 5 times.',
      ],
    ],
    'said Say 1',
  ]);
  asked.delete(`Say ${HELD}`);
  expect(new Set(asked.values())).toEqual(new Set([1]));
}, 120_000);
