import { afterEach, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { caps, type WaitingCell } from '../../protocol/index.ts';
import { putText } from '../../store/index.ts';
import { openWorld, type Script, type World } from './fake-world.ts';
import { waiting as waitingCell } from './waiting-cell.ts';
import { finished } from './states.ts';

// Scope: how calls of tools are made and counted. Kernel and store are scripted; the tools are real activities.

let world: World;
afterEach(() => world.close());

function waiting(tools: NonNullable<WaitingCell['tools']>, callCount: number): WaitingCell {
  return waitingCell({ callCount, tools });
}

/** One round of calls, then the answer. */
async function open(stop: WaitingCell, script: Partial<Script>): Promise<World> {
  world = await openWorld({
    reply: () => ['use_tools()'],
    cell: async ({ delivery }) =>
      delivery === null
        ? stop
        : finished({ answer: { content: await putText(world.store, 'Done.'), ready: true } }),
    ...script,
  });
  return world;
}

describe('a round of calls of tools', () => {
  test('calls activities by name with the checked arguments, and records what they return', async () => {
    const calls: string[] = [];
    const results: [number, unknown][] = [];
    const { run, cells } = await open(
      waiting(
        [
          { tool: 'weather', calls: [[1, 2]] },
          { tool: 'nothing', calls: [[3, 3]] },
        ],
        4,
      ),
      {
        checkArguments: ({ call, tool }) => ({
          kind: 'call',
          json: JSON.stringify({ call, tool }),
        }),
        toolResult: (call, result) => results.push([call, result]),
        tools: {
          weather: (args) => {
            calls.push(JSON.stringify(args));
            return { sky: 'blue' };
          },
          nothing: () => undefined,
        },
      },
    );
    const { result } = await run();
    expect(calls.toSorted()).toEqual([
      '{"call":1,"tool":"weather"}',
      '{"call":2,"tool":"weather"}',
    ]);
    expect(results.toSorted((a, b) => a[0] - b[0])).toEqual([
      [1, { sky: 'blue' }],
      [2, { sky: 'blue' }],
      [3, null],
    ]);
    // The fourth is a sub-call: all are counted, and delivered together.
    expect([result.spend.calls, cells[1]?.delivery?.recorded]).toEqual([4, [[1, 4]]]);
  });

  test('does not bother the tool when the answer is recorded already', async () => {
    let called = 0;
    const { run, cells } = await open(waiting([{ tool: 'weather', calls: [[1, 1]] }], 1), {
      checkArguments: () => ({ kind: 'settled' }),
      tools: { weather: () => void called++ },
    });
    await run();
    expect([called, cells[1]?.delivery?.recorded]).toEqual([0, [[1, 1]]]);
  });

  test('tries a tool again that failed, as often as its caller said, and then is a failed result', async () => {
    let attempts = 0;
    const { run, cells } = await open(waiting([{ tool: 'flaky', calls: [[1, 1]] }], 1), {
      tools: {
        flaky: () => {
          attempts += 1;
          throw new Error('The service is down.');
        },
      },
    });
    const { result } = await run();
    expect([attempts, result.reason]).toEqual([2, 'answered']);
    expect(cells[1]?.delivery?.failed).toEqual([
      { calls: [[1, 1]], type: 'Error', message: 'The service is down.' },
    ]);
  });

  test('tells that a tool does not answer in time', async () => {
    const { run, cells } = await open(waiting([{ tool: 'slow', calls: [[1, 1]] }], 1), {
      tools: { slow: () => new Promise((resolve) => setTimeout(resolve, 8000)) },
    });
    await run();
    expect(cells[1]?.delivery?.failed).toEqual([
      {
        calls: [[1, 1]],
        type: 'Tool.Timeout',
        message: 'slow failed: it did not answer within 2 s.',
      },
    ]);
  }, 30_000);

  test('tells a tool of its own failure types, and of one that the run does not have', async () => {
    const { run, cells } = await open(
      waiting(
        [
          { tool: 'strict', calls: [[1, 1]] },
          { tool: 'forged', calls: [[2, 2]] },
        ],
        2,
      ),
      {
        tools: {
          strict: () => {
            throw ApplicationFailure.nonRetryable('No such city.', 'NotFound');
          },
        },
      },
    );
    await run();
    expect(cells[1]?.delivery?.failed).toEqual([
      { calls: [[1, 1]], type: 'NotFound', message: 'No such city.' },
      { calls: [[2, 2]], type: 'Tool.Unknown', message: 'This run has no tool forged.' },
    ]);
  });

  test('takes no result that a history cannot hold', async () => {
    const { run, cells } = await open(waiting([{ tool: 'chatty', calls: [[1, 1]] }], 1), {
      tools: { chatty: () => 'x'.repeat(caps.TOOL_RESULT_BYTES) },
    });
    await run();
    expect(cells[1]?.delivery?.failed).toEqual([
      {
        calls: [[1, 1]],
        type: 'Tool.ResultTooLarge',
        message: 'chatty returned 262146 bytes; at most 262144 can be taken: ask it for less.',
      },
    ]);
  });

  test('with the largest arguments and results at once still fits into workflow tasks', async () => {
    const results: number[] = [];
    const most = 'y'.repeat(caps.TOOL_RESULT_BYTES - 2);
    const { run } = await open(waiting([{ tool: 'large', calls: [[1, 40]] }], 40), {
      checkArguments: () => ({ kind: 'call', json: JSON.stringify('x'.repeat(60_000)) }),
      toolResult: (call) => results.push(call),
      tools: { large: () => most },
    });
    const { result } = await run();
    expect([result.spend.calls, results.length]).toEqual([40, 40]);
  }, 60_000);

  test('never exceeds the budget of calls', async () => {
    let called = 0;
    const { run, cells } = await open(waiting([{ tool: 'weather', calls: [[1, 5]] }], 5), {
      tools: { weather: () => void called++ },
    });
    await run({ budget: { calls: 2 } });
    expect(called).toBe(2);
    expect(cells[1]?.delivery?.failed).toEqual([
      {
        calls: [[3, 5]],
        type: 'Budget.Exhausted',
        message: expect.stringMatching(/^Not called: /),
      },
    ]);
  });
});
