import { afterEach, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { type AnswerState, FailureType, type ForkPoint } from '../../protocol/index.ts';
import { putText, type Store, textRefOf } from '../../store/index.ts';
import { openWorld, type Script, type World } from './fake-world.ts';
import { finished } from './states.ts';

// Scope: what the workflow does about citations, through a real server. Rooms are scripted.

let world: World | undefined;
afterEach(() => world?.close());

async function open(script: Script): Promise<World> {
  world = await openWorld(script);
  return world;
}

function storeOf(): Store {
  if (world === undefined) throw new Error('no world');
  return world.store;
}

const digest = (fill: string): string => `sha256:${fill.repeat(64)}`;
const citations = (fill: string): NonNullable<AnswerState['citations']> => ({
  digest: digest(fill),
  sizeBytes: 1,
  chars: 1,
});
const WRONG = 'Citation 2 ("x"): these words do not stand in "a".';

/** The outcome of a cell that sets the answer and cites by a list of this name. */
async function says(
  text: string,
  fill: string,
  ready = true,
): Promise<ReturnType<typeof finished>> {
  const content = await putText(storeOf(), text);
  return finished({ answer: { content, ready, citations: citations(fill) } });
}

describe('an answer', () => {
  test('whose citations hold is accepted at once, and the result says so', async () => {
    const { run, looked } = await open({ reply: () => ['go'], cell: () => says('Yes.', '1') });
    const { result } = await run();
    expect(result).toMatchObject({
      reason: 'answered',
      citations: { total: 2, verified: 2 },
      spend: { turns: 1 },
    });
    expect(looked).toHaveLength(1);
  });

  test('with citations that do not hold goes back to the model once, which may correct them', async () => {
    const { run, turns, cells, looked } = await open({
      reply: () => ['go'],
      cell: ({ key }) => says('Yes.', key.cell === '1.1' ? '1' : '2'),
      cite: (list) => (list === citations('1').digest ? [WRONG] : []),
    });
    const { result } = await run();
    expect(result).toMatchObject({
      reason: 'answered',
      draftVersion: 1,
      citations: { total: 2, verified: 2 },
      spend: { turns: 2 },
    });
    expect(turns[1]?.observation?.notes).toEqual([
      'The answer is not accepted yet: 1 of its 2 citations was not found in the inputs.',
      WRONG,
      expect.stringMatching(/^Correct answer\["citations"\]: quote\(text, passage\) /),
    ]);
    const reset = { kind: 'setItem', variable: 'answer', key: 'ready', json: 'false' };
    expect(cells[1]?.edits).toContainEqual(reset);
    expect(looked.map((asked) => asked.citations)).toEqual([
      citations('1').digest,
      citations('2').digest,
    ]);
  });

  test('whose citations do not hold the second time either is accepted, marked', async () => {
    const { run } = await open({
      reply: () => ['go'],
      cell: ({ key }) => says('Yes.', key.cell === '1.1' ? '1' : '2'),
      cite: () => [WRONG],
    });
    const { result, citations: told } = await run();
    expect(result).toMatchObject({
      reason: 'answered',
      citations: { total: 2, verified: 1 },
      spend: { turns: 2 },
    });
    expect(told.map(({ verified }) => verified)).toEqual([false]);
  });

  test('is asked for its form before its citations are looked up', async () => {
    let checks = 0;
    const { run, looked } = await open({
      reply: () => ['go'],
      cell: ({ key }) => says(`Yes ${key.cell}.`, '1'),
      check: () => (++checks === 1 ? ['no JSON'] : []),
    });
    const { result } = await run();
    expect([result.reason, result.spend.turns, looked.length]).toEqual(['answered', 2, 1]);
  });

  test('that was accepted but for its citations is the answer when a limit cuts their correction short', async () => {
    const { run } = await open({
      reply: () => ['go'],
      cell: () => says('Yes.', '1'),
      cite: () => [WRONG],
    });
    const { answer, result } = await run({ budget: { turns: 1 } });
    expect([answer, result.reason, result.citations?.verified]).toEqual(['Yes.', 'answered', 1]);
  });

  test('that was rewritten meanwhile is a draft when a limit ends the run', async () => {
    const { run } = await open({
      reply: () => ['go'],
      cell: ({ key }) => (key.cell === '1.1' ? says('Yes.', '1') : says('Half of it', '1', false)),
      cite: () => [WRONG],
    });
    const { answer, result } = await run({ budget: { turns: 2 } });
    expect([answer, result.reason, result.citations?.verified]).toEqual(['Half of it', 'turns', 1]);
  });

  test('without citations asks nobody', async () => {
    const { run, looked } = await open({
      reply: () => ['go'],
      cell: async () =>
        finished({
          answer: { content: await putText(storeOf(), 'Yes.'), ready: true },
        }),
    });
    const { result, citations: told } = await run();
    expect([result.citations, told, looked]).toEqual([undefined, [], []]);
  });
});

describe('a run', () => {
  test('that ends at a limit has its draft’s citations looked up', async () => {
    const { run, looked } = await open({
      reply: () => ['go'],
      cell: ({ key }) => says(`Draft ${key.cell}`, key.cell === '1.1' ? '1' : '2', false),
    });
    const { result } = await run({ budget: { turns: 2 } });
    expect([result.reason, result.citations?.verified]).toEqual(['turns', 2]);
    expect(looked.map((asked) => asked.citations)).toEqual([citations('2').digest]);
  });

  test('whose citations cannot be looked up keeps its answer and says so', async () => {
    const { run } = await open({
      reply: () => ['go'],
      cell: () => says('Yes.', '1'),
      cite: () => {
        throw ApplicationFailure.nonRetryable('No blob.', FailureType.blobMissing);
      },
    });
    const { answer, result, citations: told } = await run();
    expect([answer, result.reason, told]).toEqual(['Yes.', 'answered', []]);
    expect(result.citations).toEqual({ total: 0, verified: 0, report: null });
  });

  test('that starts from another has its draft’s citations, and both inputs', async () => {
    const { run, looked } = await open({
      reply: () => ['x = 1'],
      cell: async () => ({ ...(await says('Old.', '1', false)), stdout: textRefOf('1') }),
      fork: async () => ({
        ...finishedPoint(),
        draft: await putText(storeOf(), 'Old.'),
        citations: citations('1'),
        earlier: [digest('e')],
      }),
    });
    const { answer, result } = await run({ budget: { turns: 1 } });
    expect([answer, result.reason, result.citations?.verified]).toEqual(['Old.', 'turns', 2]);
    expect(looked[0]?.manifests).toEqual([digest('d'), digest('e')]);
  });

  test('with another question drops the citations of the old answer', async () => {
    const { run, cells } = await open({
      reply: () => ['x = 1'],
      cell: () => says('New.', '2'),
      fork: async () => ({ ...finishedPoint(), question: digest('9'), citations: citations('1') }),
    });
    await run();
    const answer = { kind: 'setItem', variable: 'answer' };
    expect(cells[0]?.edits).toEqual(
      expect.arrayContaining([
        { ...answer, key: 'content', json: '""' },
        { ...answer, key: 'citations', json: '[]' },
      ]),
    );
  });
});

function finishedPoint(): ForkPoint {
  const { image } = finished();
  return {
    workflowId: 'source',
    runId: 'first',
    cell: '1.1',
    turn: 1,
    image,
    transcript: digest('c'),
    cells: [],
    manifest: digest('d'),
    question: textRefOf('Why?').digest,
    secret: '5'.repeat(64),
    draft: null,
    runtime: 'test',
    clockMs: 0,
  };
}
