import { beforeEach, describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import {
  createCallMcpTool,
  createCheckArguments,
  createRecordToolResult,
} from '../../activities/tool-calls.ts';
import { McpServers } from '../../activities/index.ts';
import {
  answerRecordKey,
  CallAnswer,
  type CheckArgumentsInput,
  type CheckArgumentsResult,
} from '../../protocol/index.ts';
import { getJson, memoryStore, putJson, type Store } from '../../store/index.ts';

// Scope: what a call of a tool asks for, and what is recorded of it. The store is real, tools are not called.

const KEY = { workflowId: 'run', cell: '1.1', cellAttempt: 1 };
const SCHEMA = {
  properties: { word: { type: 'string', minLength: 2 }, n: { type: 'integer' } },
  required: ['word'],
};

let store: Store;
beforeEach(() => {
  store = memoryStore();
});

/** A waiting cell whose first call has these arguments. */
async function asks(
  args: string,
  { tool = 'look_up', schema = SCHEMA }: { tool?: string; schema?: Record<string, unknown> } = {},
): Promise<CheckArgumentsInput & { record: string }> {
  const request = { kind: 'tool', prompt: args, model: null, context: null, tool };
  const { digest } = await putJson(store, request);
  const calls = [{ number: 1, kind: 'tool', request: digest, preview: '' }];
  const journal = await putJson(store, { kind: 'round', previous: null, calls });
  const made = { name: 'look_up', signature: '', doc: '', parameters: [], schema };
  const toolbox = await putJson(store, { functions: [made] });
  return {
    key: KEY,
    journal: journal.digest,
    call: 1,
    tool,
    toolbox: toolbox.digest,
    record: answerRecordKey(KEY, 1, digest),
  };
}

function check(input: CheckArgumentsInput): Promise<CheckArgumentsResult> {
  return new MockActivityEnvironment().run(createCheckArguments({ store }), input);
}

async function recorded(record: string): Promise<CallAnswer | null> {
  const digest = await store.records.find(record);
  return digest === undefined ? null : getJson(store, digest, CallAnswer);
}

describe('arguments of a call', () => {
  test('that fit are handed on as they are', async () => {
    const json = '{"word": "lift", "more": [1]}';
    const asked = await asks(json);
    expect(await check(asked)).toEqual({ kind: 'call', json });
    expect(await recorded(asked.record)).toBeNull();
  });

  test.each([
    ['{"word": "x"}', 'word: Too small: expected string to have >=2 characters.'],
    [
      '{"n": 1.5}',
      'n: Invalid input: expected int, received number. word: Invalid input: expected string, received undefined.',
    ],
    [
      `{"word": "${'x'.repeat(65_536)}"}`,
      'its arguments are 65548 bytes of JSON, at most 65536 are allowed.',
    ],
  ])('that do not fit are a failed answer, which another attempt finds: %#', async (json, why) => {
    const asked = await asks(json);
    for (const _ of [1, 2]) expect(await check(asked)).toEqual({ kind: 'settled' });
    expect(await recorded(asked.record)).toEqual({
      status: 'failed',
      type: 'InvalidInput',
      message: `look_up was not called: ${why}`,
    });
  });

  test('for a tool that the run does not have are never handed on', async () => {
    const asked = await asks('{}', { tool: 'forged' });
    expect(await check(asked)).toEqual({ kind: 'settled' });
    expect(await recorded(asked.record)).toMatchObject({
      message: 'forged was not called: there is no tool forged',
    });
  });

  test('under a pattern that never ends are refused in time', async () => {
    const schema = { properties: { word: { type: 'string', pattern: '^(a+)+$' } } };
    const asked = await asks(`{"word": "${'a'.repeat(40)}!"}`, { schema });
    expect(await check(asked)).toEqual({ kind: 'settled' });
    expect(await recorded(asked.record)).toMatchObject({
      message:
        'look_up was not called: The arguments could not be checked against their schema within 5 s.',
    });
  }, 60_000);
});

describe('a result', () => {
  test.each([
    ['text', 'text', 'text'],
    [{ a: 1 }, '{\n  "a": 1\n}', 'json'],
    [null, 'null', 'json'],
    ['\ud800', '\ufffd', 'text'],
  ])('%j is recorded so that Python has it back', async (result, text, format) => {
    const { record, toolbox: _, ...call } = await asks('{"word": "lift"}');
    const keep = createRecordToolResult({ store });
    await new MockActivityEnvironment().run(keep, { ...call, result });
    expect(await recorded(record)).toMatchObject({ status: 'ok', text, format, model: 'look_up' });
  });

  test('that came first stays, and the tool is not called for another', async () => {
    const { record, ...asked } = await asks('{"word": "lift"}');
    const { toolbox: _, ...call } = asked;
    const keep = createRecordToolResult({ store });
    await new MockActivityEnvironment().run(keep, { ...call, result: 'first' });
    await new MockActivityEnvironment().run(keep, { ...call, result: 'second' });
    expect(await recorded(record)).toMatchObject({ text: 'first' });
    expect(await check(asked)).toEqual({ kind: 'settled' });
    // Of an MCP server neither: this one does not exist, and is not asked.
    const mcp = createCallMcpTool({ store, mcp: new McpServers({}) });
    const remote = { ...asked, server: 'none', remoteTool: 'x' };
    await expect(new MockActivityEnvironment().run(mcp, remote)).resolves.toBeUndefined();
  });
});
