import { afterEach, describe, expect, test } from '@jest/globals';
import {
  type CellOutcome,
  FailureType,
  RunBranch,
  type WaitingCell,
} from '../../protocol/index.ts';
import { ApplicationFailure } from '@temporalio/common';
import { putText, textRefOf } from '../../store/index.ts';
import { openWorld, type Script, type World } from './fake-world.ts';
import { finished } from './states.ts';

// Scope: what people ask of a run under way. Rooms are scripted; server, worker, client and updates are real.

let world: World;
afterEach(() => world.close());

async function open(script: Script): Promise<World> {
  world = await openWorld(script);
  return world;
}

async function ready(text = 'The answer.'): Promise<CellOutcome> {
  return finished({ answer: { content: await putText(world.store, text), ready: true } });
}

async function draft(text: string): Promise<CellOutcome> {
  return finished({ answer: { content: await putText(world.store, text), ready: false } });
}

/** A run that stands still in its first turn until `go` is called. */
function held(rest: Partial<Script> = {}): {
  script: Script;
  begun: Promise<void>;
  go: () => void;
} {
  const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  return {
    begun: begun.promise,
    go: () => gate.resolve(),
    script: {
      reply: async () => {
        begun.resolve();
        await gate.promise;
        return ['x = 1'];
      },
      cell: ({ key }) => (key.cell === '1.1' ? finished() : ready()),
      ...rest,
    },
  };
}

function refusedBy(workflowId: string, why: string): string {
  return `Run ${workflowId} refused this: ${why}`;
}

const ASKS: WaitingCell = {
  kind: 'waiting',
  journal: `sha256:${'1'.repeat(64)}`,
  firstCall: 1,
  callCount: 1,
  previews: [''],
  subRuns: [],
  humans: [{ call: 1, question: textRefOf('Which of the two?') }],
  computeMs: 1,
  way: 'fresh',
};

describe('a message', () => {
  test('is shown to the model at its next turn, once', async () => {
    const { script, begun, go } = held({
      cell: ({ key }) => (key.cell === '3.1' ? ready() : finished()),
    });
    const { client, turns } = await open(script);
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await begun;
    await client.steering.steer(workflowId, '  Look at 1985 too. ');
    go();
    await client.result(workflowId);
    expect(turns.map(({ observation }) => observation?.notes ?? null)).toEqual([
      null,
      ['Message from a person who follows this run: Look at 1985 too.'],
      [],
    ]);
  });

  test('that comes before the first turn is in the first prompt', async () => {
    const resolving = Promise.withResolvers<void>();
    const { client, turns } = await open({
      reply: () => ['x'],
      cell: () => ready(),
      resolve: () => resolving.promise,
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    const sent = client.steering.steer(workflowId, 'In French.');
    resolving.resolve();
    await sent;
    await client.result(workflowId);
    const seen = turns.flatMap(({ observation }) => observation?.notes ?? []);
    expect(seen).toContain('Message from a person who follows this run: In French.');
  });

  test('holds back an answer that is ready until the model has seen it', async () => {
    const { script, begun, go } = held({ cell: () => ready() });
    const { client, turns, cells } = await open(script);
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await begun;
    await client.steering.steer(workflowId, 'Wait.');
    go();
    const { result } = await client.result(workflowId);
    expect([result.reason, turns.length]).toEqual(['answered', 2]);
    expect(turns[1]?.observation?.notes).toEqual([
      'Before your answer could be accepted a person wrote to you. Take it into account; then set answer["ready"] = True again.',
      'Message from a person who follows this run: Wait.',
    ]);
    expect(cells[1]?.edits).toContainEqual({
      kind: 'setItem',
      variable: 'answer',
      key: 'ready',
      json: 'false',
    });
  });

  test.each([
    ['', 'text: Too small: expected string to have >=1 characters.'],
    ['x'.repeat(1901), 'text: Too big: expected string to have <=1900 characters.'],
  ])('is refused without a trace in the history when it is %#', async (text, why) => {
    const { script, begun, go } = held();
    const { client } = await open(script);
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await begun;
    await expect(client.steering.steer(workflowId, text)).rejects.toThrow(
      refusedBy(workflowId, why),
    );
    go();
    await client.result(workflowId);
    const history = await client.temporal.workflow.getHandle(workflowId).fetchHistory();
    const updates = history.events?.filter((e) => e.workflowExecutionUpdateAcceptedEventAttributes);
    expect(updates).toEqual([]);
  });

  test('to a run that has ended says so', async () => {
    const { client, run } = await open({ reply: () => ['x'], cell: () => ready() });
    const { workflowId } = await run();
    await expect(client.steering.steer(workflowId, 'Late.')).rejects.toThrow(
      `Run ${workflowId} has ended; it takes nothing more.`,
    );
  });
});

describe('a budget', () => {
  test('is extended while the run goes on, and sending it twice extends it once', async () => {
    const { script, begun, go } = held({ cell: () => draft('So far.') });
    const { client } = await open(script);
    const { workflowId } = await client.start({
      question: 'Why?',
      input: 'text',
      budget: { turns: 1 },
    });
    await begun;
    await client.steering.extendBudget(workflowId, { turns: 3 });
    const progress = await client.steering.extendBudget(workflowId, { turns: 3 });
    expect(progress.maxTurns).toBe(3);
    go();
    const { result } = await client.result(workflowId);
    expect([result.reason, result.spend.turns]).toEqual(['turns', 3]);
  });

  test.each([
    [{ turns: 1 }, 'turns: expected at least the present limit, 30; got 1.'],
    [{ tokens: 5 }, 'tokens: the run has no such limit.'],
    [{ costUsd: -1 }, 'costUsd: Too small: expected number to be >=0.'],
  ])('is never reduced or made up: %j', async (limits, why) => {
    const { script, begun, go } = held();
    const { client } = await open(script);
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await begun;
    await expect(client.steering.extendBudget(workflowId, limits)).rejects.toThrow(
      refusedBy(workflowId, why),
    );
    go();
    await client.result(workflowId);
  });

  test('of wall-clock time that is extended in time does not end the run', async () => {
    const { script, begun, go } = held();
    const { client } = await open(script);
    const { workflowId } = await client.start({
      question: 'Why?',
      input: 'text',
      budget: { wallClockMs: 3000 },
    });
    await begun;
    await client.steering.extendBudget(workflowId, { wallClockMs: 600_000 });
    await new Promise((resolve) => setTimeout(resolve, 3500));
    go();
    const { result } = await client.result(workflowId);
    expect(result.reason).toBe('answered');
  });
});

describe('a pause', () => {
  test('starts no cell until the run is resumed', async () => {
    const { script, begun, go } = held({ cell: () => ready() });
    const { client, cells } = await open(script);
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await begun;
    const paused = await client.steering.pause(workflowId);
    expect(paused).toMatchObject({ paused: true });
    go();
    await until(async () => (await client.progress(workflowId))?.phase === 'paused');
    expect(cells).toHaveLength(0);
    await client.steering.pause(workflowId);
    await client.steering.resume(workflowId);
    const { result } = await client.result(workflowId);
    expect([result.reason, cells.length]).toEqual(['answered', 1]);
  });

  test('holds the sub-runs that are under way as well, and resumes them', async () => {
    const [thinking, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const sub = { call: 1, prompt: textRefOf('Part.'), context: null, model: null };
    const { client, cells } = await open({
      reply: async ({ depth }) => {
        if (depth === 1) {
          thinking.resolve();
          await gate.promise;
        }
        return ['go()'];
      },
      cell: ({ key, delivery }) =>
        key.workflowId.includes('/') || delivery !== null
          ? ready()
          : { ...ASKS, humans: [], subRuns: [sub] },
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await thinking.promise;
    await client.steering.pause(workflowId);
    gate.resolve();
    let child = '';
    await until(async () => {
      const [found] = (await client.tree(workflowId)).children;
      if (found === undefined) return false;
      child = found.workflowId;
      return (await client.progress(child))?.phase === 'paused';
    });
    expect(cells).toHaveLength(1);
    const branch = await client.temporal.workflow.getHandle(workflowId).query('getTree');
    expect(RunBranch.parse(branch)).toMatchObject({
      workflowId,
      depth: 0,
      turn: 1,
      children: [
        {
          workflowId: child,
          kind: 'subRun',
          granted: { calls: expect.any(Number), costUsd: expect.any(Number) },
          reported: { turns: 1, calls: 1 },
        },
      ],
    });
    await client.steering.resume(workflowId);
    expect((await client.result(workflowId)).result.reason).toBe('answered');
    expect((await client.tree(workflowId)).children).toMatchObject([
      { workflowId: child, children: [] },
    ]);
  }, 30_000);

  test('of a round lets its calls go on together, and is told as long as it lasts', async () => {
    const [asked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let calls = 0;
    const { client } = await open({
      reply: () => ['ask()'],
      cell: ({ delivery }) =>
        delivery === null ? { ...ASKS, callCount: 6, humans: [], previews: [] } : ready(),
      answer: async () => {
        calls++;
        asked.resolve();
        await gate.promise;
      },
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text', concurrency: 2 });
    await asked.promise;
    await client.steering.pause(workflowId);
    gate.resolve();
    await until(async () => (await client.progress(workflowId))?.phase === 'paused');
    expect(calls).toBe(2);
    const after = await client.steering.resume(workflowId);
    expect(after.phase).toBe('calling');
    expect((await client.result(workflowId)).result.spend.calls).toBe(6);
  });

  test('can be ended by cancelling the run, which keeps its draft', async () => {
    const { script, begun, go } = held({ cell: () => draft('So far.') });
    const { client } = await open(script);
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await begun;
    go();
    await until(async () => (await client.progress(workflowId))?.draft != null);
    await client.steering.pause(workflowId);
    await client.cancel(workflowId);
    const failure = await client.result(workflowId).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      name: 'RunCancelled',
      progress: { draft: { content: { text: 'So far.' } } },
    });
  });
});

describe('finishing now', () => {
  test('keeps the draft of an earlier cell of the reply whose later cell waits', async () => {
    const called = Promise.withResolvers<void>();
    const { client, turns } = await open({
      reply: () => ['draft', 'ask()'],
      cell: ({ key }) =>
        key.cell === '1.1' ? draft('So far.') : { ...ASKS, humans: [], previews: ['p'] },
      answer: () => {
        called.resolve();
        return new Promise((resolve) => setTimeout(resolve, 1000));
      },
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await called.promise;
    expect((await client.progress(workflowId))?.draft?.content.text).toBe('So far.');
    expect(await client.drafts(workflowId)).toMatchObject([{ version: 1, cell: '1.1' }]);
    await client.steering.finishNow(workflowId);
    const { result, answer } = await client.result(workflowId);
    expect([result.reason, answer, turns.length]).toEqual(['finishNow', 'So far.', 1]);
  });

  test('without a draft shows the model what the interrupted turn printed, once', async () => {
    const called = Promise.withResolvers<void>();
    const { client, turns } = await open({
      reply: ({ turn, purpose }) => (purpose === 'answer' ? [] : turn === 1 ? ['x'] : ['y', 'z']),
      turn: ({ purpose }) => (purpose === 'answer' ? { answer: textRefOf('At last.') } : {}),
      cell: ({ key }) => {
        if (key.cell === '2.2') return { ...ASKS, humans: [], previews: ['p'] };
        return finished({ stdout: textRefOf(`printed by ${key.cell}`) });
      },
      answer: () => {
        called.resolve();
        return new Promise((resolve) => setTimeout(resolve, 1000));
      },
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await called.promise;
    await client.steering.finishNow(workflowId);
    expect((await client.result(workflowId)).answer).toBe('At last.');
    const last = turns.at(-1);
    expect(last?.purpose).toBe('answer');
    // Then the listing of the variables.
    expect(last?.observation?.cells.map(({ cell }) => cell)).toEqual(['2.1', '3.1']);
  });

  test('ends the run with its best draft while a cell waits, and cancels what is in flight', async () => {
    const called = Promise.withResolvers<void>();
    const { client } = await open({
      reply: ({ turn }) => [turn === 1 ? 'draft' : 'ask()'],
      cell: ({ key }) =>
        key.cell === '1.1' ? draft('So far.') : { ...ASKS, humans: [], previews: ['p'] },
      answer: () => {
        called.resolve();
        return new Promise((resolve) => setTimeout(resolve, 1000));
      },
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await called.promise;
    await client.steering.finishNow(workflowId);
    const { answer, result } = await client.result(workflowId);
    expect([answer, result.reason, result.draftVersion]).toEqual(['So far.', 'finishNow', 1]);
  });
});

describe('an edit', () => {
  test('is applied before the next cell, never to the one under way, and the model is told', async () => {
    const [computing, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { client, cells, turns, store } = await open({
      reply: () => ['work()'],
      cell: async ({ key }) => {
        if (key.cell !== '1.1') return ready();
        computing.resolve();
        await gate.promise;
        return finished();
      },
    });
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await computing.promise;
    await client.steering.editVariable(workflowId, 'limit', { years: [1985] });
    await client.steering.editVariable(workflowId, 'junk', undefined);
    await client.steering.editVariable(workflowId, 'text', 'x'.repeat(100_000));
    gate.resolve();
    await client.result(workflowId);
    const json = await putText(store, '{"years":[1985]}');
    const long = await putText(store, 'x'.repeat(100_000));
    const sent = cells.map(({ edits }) => edits.filter(({ kind }) => kind !== 'extend'));
    expect(sent).toEqual([
      [],
      [
        { kind: 'set', variable: 'limit', format: 'json', blob: json.digest },
        { kind: 'delete', variable: 'junk' },
        { kind: 'set', variable: 'text', format: 'text', blob: long.digest },
      ],
    ]);
    expect(turns[1]?.observation?.notes).toEqual([
      'A person has set the variable `limit`; your next cell finds it so.',
      'A person has deleted the variable `junk`; your next cell finds it so.',
      'A person has set the variable `text`; your next cell finds it so.',
    ]);
  });

  test('of a name that is no variable is refused', async () => {
    const { script, begun, go } = held();
    const { client } = await open(script);
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await begun;
    const refused = [
      ['a b', 'variable: must be the name of a Python variable.'],
      ['__builtins__', "__builtins__: names that begin with an underscore are the session's own."],
    ] as const;
    for (const [name, why] of refused) {
      await expect(client.steering.editVariable(workflowId, name, 1)).rejects.toThrow(
        refusedBy(workflowId, why),
      );
    }
    go();
    await client.result(workflowId);
  });
});

describe('a question to a person', () => {
  function asks(rest: Partial<Script> = {}): Script {
    return {
      reply: () => ['ask_human("Which of the two?")'],
      cell: ({ delivery }) => (delivery === null ? ASKS : ready()),
      ...rest,
    };
  }

  async function asked(client: World['client'], workflowId: string): Promise<void> {
    await until(async () => (await client.progress(workflowId))?.questions?.length === 1);
  }

  test('waits, is seen by those who watch, and goes on with the answer', async () => {
    const { client, cells, store } = await open(asks());
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await asked(client, workflowId);
    const before = await client.progress(workflowId);
    expect(before?.questions).toEqual([{ id: '1.1.1', question: textRefOf('Which of the two?') }]);
    const { memo } = await client.temporal.workflow.getHandle(workflowId).describe();
    expect(memo).toMatchObject({ progress: { questions: [{ id: '1.1.1' }] } });
    const after = await client.steering.answerHuman(workflowId, '1.1.1', 'The second.');
    expect(after.questions).toEqual([]);
    const { result } = await client.result(workflowId);
    const { digest } = await putText(store, 'The second.');
    expect(cells[1]?.delivery).toMatchObject({
      subRuns: [{ call: 1, text: digest, model: 'human' }],
    });
    // A person's answer is no sub-call.
    expect(result.spend.calls).toBe(0);
  });

  test('is answered once: others, and answers to nothing, are refused', async () => {
    const { client } = await open(asks());
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await asked(client, workflowId);
    await expect(client.steering.answerHuman(workflowId, '9.9.9', 'x')).rejects.toThrow(
      refusedBy(workflowId, 'No question 9.9.9 waits for an answer; these do: 1.1.1.'),
    );
    const answers = await Promise.allSettled(
      ['a', 'b'].map((text) => client.steering.answerHuman(workflowId, '1.1.1', text)),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    await client.result(workflowId);
  });

  test('takes no seat from sub-calls that go on', async () => {
    const answered: number[] = [];
    const { client, cells } = await open(
      asks({
        cell: ({ delivery }) =>
          delivery === null ? { ...ASKS, callCount: 3, previews: ['', 'a', 'b'] } : ready(),
        answer: ({ call }) => void answered.push(call),
      }),
    );
    const { workflowId } = await client.start({ question: 'Why?', input: 'text', concurrency: 1 });
    await until(async () => answered.length === 2);
    expect((await client.progress(workflowId))?.questions).toHaveLength(1);
    await client.steering.answerHuman(workflowId, '1.1.1', 'b');
    await client.result(workflowId);
    expect(cells[1]?.delivery).toMatchObject({ recorded: [[2, 3]], subRuns: [{ call: 1 }] });
  });

  test('waits on when its answer could not be stored', async () => {
    let broken = true;
    const { client, cells } = await open(
      asks({
        store: () => {
          if (!broken) return;
          throw ApplicationFailure.nonRetryable('The disk is full.', FailureType.blobMissing);
        },
      }),
    );
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await asked(client, workflowId);
    await expect(client.steering.answerHuman(workflowId, '1.1.1', 'a')).rejects.toThrow(
      refusedBy(workflowId, 'The disk is full.'),
    );
    broken = false;
    await client.steering.answerHuman(workflowId, '1.1.1', 'b');
    await client.result(workflowId);
    expect(cells).toHaveLength(2);
  });
});

/** Looks again until it is so; a test that waits for ever fails by its own limit. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
}
