import { afterEach, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { DRAFTS_QUERY, FailureType } from '../../protocol/index.ts';
import { putText, textRefOf } from '../../store/index.ts';
import { openWorld, type Script, type World } from './fake-world.ts';
import { finished } from './states.ts';

// Scope: how turns end and what the root model is asked, through a real server. Rooms are scripted.

let world: World;
afterEach(() => world.close());

async function open(script: Script): Promise<World> {
  world = await openWorld(script);
  return world;
}

const DIGEST = (digit: string): string => `sha256:${digit.repeat(64)}`;
const ready = async (text: string, stdout = '') =>
  finished({
    stdout: textRefOf(stdout),
    answer: { content: await putText(world.store, text), ready: true },
  });

describe('a final answer', () => {
  test('fabricated in the same reply as its code is not accepted: the output is shown first', async () => {
    const { run, turns } = await open({
      reply: ({ turn }) => [turn === 1 ? 'look and answer' : 'answer["ready"] = True'],
      cell: ({ key }) =>
        key.cell === '1.1' ? ready('Clause 7.', 'clause 9 is the one') : ready('Clause 9.'),
    });
    const { answer, result } = await run();
    expect([answer, result.reason, result.draftVersion]).toEqual(['Clause 9.', 'answered', 2]);
    const shown = turns[1]?.observation;
    expect(shown?.cells[0]?.outcome).toMatchObject({ stdout: { chars: 19 } });
    expect(shown?.draft?.text).toBe('Clause 7.');
  });

  test.each([
    ['never' as const, 1],
    ['unseen' as const, 2],
    ['always' as const, 2],
  ])('with confirm: %s takes %d turns when its reply printed', async (confirm, turnCount) => {
    const { run } = await open({ reply: () => ['go'], cell: () => ready('Clause 7.', 'seen') });
    const { result } = await run({ confirm });
    expect([result.reason, result.spend.turns]).toEqual(['answered', turnCount]);
  });
});

describe('a run that ends without a draft', () => {
  test('asks once for the answer, without code, and says so', async () => {
    const { run, turns } = await open({
      reply: () => ['x = 1'],
      cell: ({ key }) => finished({ stdout: textRefOf(`page ${key.cell}`) }),
      turn: ({ purpose }) =>
        purpose === 'answer' ? { answer: textRefOf('As far as I saw.') } : {},
    });
    const { answer, result } = await run({ budget: { turns: 2 } });
    expect([answer, result.reason, result.extracted, result.spend.turns]).toEqual([
      'As far as I saw.',
      'turns',
      true,
      2,
    ]);
    expect(turns.map(({ turn, purpose }) => [turn, purpose])).toEqual([
      [1, 'go on'],
      [2, 'go on'],
      [3, 'answer'],
    ]);
    // The cell after the last turn lists the variables: results that were never printed.
    expect(turns[2]?.observation?.cells.map(({ cell }) => cell)).toEqual(['2.1', '3.1']);
    expect(turns[1]?.observation?.notes).toEqual([
      'The next turn is your last: set answer["content"] and answer["ready"] = True in it.',
    ]);
  });

  test('ends all the same when that call fails', async () => {
    const { run } = await open({
      reply: ({ purpose }) => {
        if (purpose !== 'answer') return [];
        throw ApplicationFailure.nonRetryable('No.', FailureType.modelRejected);
      },
      cell: () => finished(),
    });
    const { answer, result } = await run();
    expect([answer, result.reason, result.extracted]).toEqual([null, 'noCode', undefined]);
  });

  test('waits for that call no longer than its wall-clock limit', async () => {
    const held = Promise.withResolvers<string[]>();
    const { run } = await open({
      reply: ({ purpose }) => (purpose === 'answer' ? held.promise : []),
      cell: () => finished(),
    });
    const { answer, result } = await run({ budget: { turns: 1, wallClockMs: 8000 } });
    held.resolve([]);
    expect([answer, result.reason]).toEqual([null, 'turns']);
  });

  test('keeps money back for it: no turn may spend the last of the budget', async () => {
    const { run, turns } = await open({
      reply: () => ['x'],
      cell: ({ key }) => finished({ stdout: textRefOf(key.cell) }),
      root: { prices: { inputUsdPerMTok: 1, cachedInputUsdPerMTok: 1, outputUsdPerMTok: 10 } },
      turn: () => ({ transcriptTokens: 10_000 }),
    });
    await run({ budget: { turns: 1, costUsd: 1 } });
    // 20,000 tokens read and 1,000 written, the model's own limit.
    expect(turns.map(({ allowance }) => allowance?.costUsd)).toEqual([
      expect.closeTo(1 - 0.03),
      expect.closeTo(0.99),
    ]);
  });
});

test('a model that loops on the same cell ends with its best draft and the reason', async () => {
  const { run } = await open({
    reply: () => ['search()'],
    cell: async () =>
      finished({
        stdout: textRefOf('nothing'),
        answer: { content: await putText(world.store, 'So far.'), ready: false },
      }),
  });
  const { answer, result } = await run();
  expect([answer, result.reason, result.spend.turns]).toEqual(['So far.', 'repeating', 6]);
});

test('drafts are numbered and can be asked for while the run goes on', async () => {
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const { client } = await open({
    reply: async ({ turn }) => {
      if (turn === 3) {
        asked.resolve();
        await held.promise;
      }
      return ['go'];
    },
    cell: async ({ key }) =>
      key.cell === '3.1'
        ? ready('three')
        : finished({
            answer: { content: await putText(world.store, `at ${key.cell}`), ready: false },
          }),
  });
  const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
  await asked.promise;
  const drafts = await client.temporal.workflow.getHandle(workflowId).query(DRAFTS_QUERY);
  held.resolve();
  expect(drafts).toMatchObject([
    { version: 1, cell: '1.1', content: { chars: 6 } },
    { version: 2, cell: '2.1', content: { chars: 6 } },
  ]);
  expect((await client.result(workflowId)).result.draftVersion).toBe(3);
});

describe('a transcript near the context limit', () => {
  test('is summarised before the next turn, whose cost counts', async () => {
    const { run, turns } = await open({
      reply: () => ['go'],
      cell: ({ key }) =>
        key.cell === '2.1' ? ready('Done.') : finished({ stdout: textRefOf('x') }),
      // The card's window is 100,000 tokens.
      turn: ({ turn }) => ({ transcript: DIGEST(String(turn)), transcriptTokens: 80_000 }),
      compact: async ({ transcript }) => {
        expect(transcript).toBe(DIGEST('1'));
        return DIGEST('9');
      },
    });
    const { result } = await run();
    expect(turns[1]?.transcript).toBe(DIGEST('9'));
    expect(result.spend.usage.costUsd).toBeCloseTo(0.04);
  });

  test('is summarised and tried again once when the provider refuses it', async () => {
    let refused = 0;
    const { run, turns } = await open({
      reply: ({ transcript }) => {
        if (transcript !== DIGEST('1')) return ['go'];
        refused++;
        throw ApplicationFailure.nonRetryable('Too long.', FailureType.modelRejected);
      },
      cell: ({ key }) =>
        key.cell === '2.1' ? ready('Done.') : finished({ stdout: textRefOf('x') }),
      turn: ({ turn }) => ({ transcript: DIGEST(String(turn)), transcriptTokens: 40_000 }),
      compact: async () => DIGEST('9'),
    });
    const { result } = await run();
    expect([result.reason, refused, turns.length]).toEqual(['answered', 1, 3]);
  });
});

test('whole outputs and messages go into the REPL with the next cell', async () => {
  const { run, cells } = await open({
    reply: () => ['go'],
    cell: ({ key }) =>
      key.cell === '2.1' ? ready('Done.') : finished({ stdout: textRefOf('all of it') }),
    turn: ({ turn }) => ({ transcript: DIGEST(String(turn)) }),
  });
  await run();
  expect(cells.map(({ edits }) => edits)).toEqual([
    [{ kind: 'extend', variable: 'history', field: 'messages', blob: DIGEST('1') }],
    [
      {
        kind: 'setItemBlob',
        variable: 'out',
        key: '1.1',
        format: 'text',
        blob: textRefOf('all of it').digest,
      },
      { kind: 'extend', variable: 'history', field: 'messages', blob: DIGEST('2') },
    ],
  ]);
});
