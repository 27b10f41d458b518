import { afterEach, describe, expect, test } from '@jest/globals';
import { putText } from '../../store/index.ts';
import { open, world } from './opened-world.ts';
import { finished } from './states.ts';
import { draft, held, ready, refusedBy } from './steered-run.ts';

// Scope: messages, larger budgets and edits of variables for a run under way. Rooms are scripted; server, worker, client and updates are real.

afterEach(() => world.close());

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
