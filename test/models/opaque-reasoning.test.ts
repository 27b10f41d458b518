import { afterEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { OpaqueCollector } from '../../models/opaque-reasoning.ts';
import { readLinks } from '../../models/transcript.ts';
import { type Digest, EMPTY_TEXT, type NextTurnInput } from '../../protocol/index.ts';
import { getJson } from '../../store/index.ts';
import type { Served } from '../support/fault-server.ts';
import { type ModelWorld, openModelWorld } from './model-world.ts';

let world: ModelWorld;
let opened: ModelWorld | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

const SIGNED = [
  { reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'The term', format: 'a-v1' }] },
  { reasoning_details: [{ type: 'reasoning.text', index: 0, text: ' ends.', format: 'a-v1' }] },
  { reasoning_details: [{ type: 'reasoning.text', index: 0, signature: 'c2ln', format: 'a-v1' }] },
  { reasoning_details: [{ type: 'reasoning.encrypted', index: 1, data: 'ZW5j' }] },
];
const WHOLE = [
  { type: 'reasoning.text', index: 0, text: 'The term ends.', format: 'a-v1', signature: 'c2ln' },
  { type: 'reasoning.encrypted', index: 1, data: 'ZW5j' },
];
const REPLY: Served = { kind: 'reply', deltas: SIGNED, text: '```python\nx = 1\n```' };

async function next(transcript: Digest, more: Partial<NextTurnInput> = {}): Promise<unknown> {
  await world.turn({
    turn: 2,
    transcript,
    observation: { statusLine: 'turn 2', cells: [], notes: ['Go on.'], draft: null },
    ...more,
  });
  return world.server.requests.at(-1)?.body.messages.find(({ role }) => role === 'assistant');
}

describe('thoughts that only their maker can read', () => {
  test('are kept as a blob and go back to it as they were', async () => {
    opened = world = await openModelWorld({ m: {} }, () => REPLY);
    const { transcript } = await world.turn();
    const said = (await readLinks(world.store, transcript))[0]?.messages.at(-1);
    expect(said?.opaque).toMatchObject({ maker: 'm (m)' });
    const { blob } = said?.opaque ?? { blob: EMPTY_TEXT.digest };
    expect(await getJson(world.store, blob, z.unknown())).toEqual({
      message: { reasoning_details: WHOLE },
      calls: {},
    });
    expect(await next(transcript)).toEqual({
      role: 'assistant',
      content: '```python\nx = 1\n```',
      reasoning_details: WHOLE,
    });
  });

  test('do not go to another model', async () => {
    opened = world = await openModelWorld({ m: {}, other: {} }, () => REPLY);
    const { transcript } = await world.turn();
    const card = await world.registry.card('other', 'root', { taskQueue: 'q' });
    expect(await next(transcript, { card })).toEqual({
      role: 'assistant',
      content: '```python\nx = 1\n```',
    });
  });

  test('of a sub-call are kept for the audit', async () => {
    opened = world = await openModelWorld({ m: {} }, () => REPLY);
    const { answer } = await world.ask({});
    expect(answer).toMatchObject({ opaque: expect.stringMatching(/^sha256:/) });
  });

  test('in calls of the tool go back with their call', async () => {
    const call = {
      index: 0,
      id: 'c-1',
      type: 'function',
      function: { name: 'python', arguments: '{"code": "x = 1"}' },
      extra_content: { google: { thought_signature: 'c2ln' } },
    };
    const reply: Served = {
      kind: 'reply',
      deltas: [{ tool_calls: [call] }],
      finishReason: 'tool_calls',
    };
    opened = world = await openModelWorld({ m: { replies: 'tool' } }, () => reply);
    const { transcript } = await world.turn();
    const { index: _, ...whole } = call;
    expect(await next(transcript)).toEqual({
      role: 'assistant',
      content: null,
      tool_calls: [whole],
    });
  });
});

describe('thoughts in plain words', () => {
  test('are kept and never sent back', async () => {
    const deltas = [
      { reasoning: 'Hm.', reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'Hm.' }] },
    ];
    opened = world = await openModelWorld({ m: {} }, () => ({ ...REPLY, deltas }));
    const { transcript } = await world.turn();
    expect(await next(transcript)).toEqual({
      role: 'assistant',
      content: '```python\nx = 1\n```',
    });
    const { answer } = await world.ask({});
    expect(answer).toMatchObject({ reasoning: 'Hm.' });
  });

  test('in the text are taken out of it', async () => {
    const text = '<think>\nIs it 12?\n</think>\n\nTwelve.';
    opened = world = await openModelWorld({ m: {} }, () => ({ kind: 'reply', text }));
    const { answer } = await world.ask({});
    expect(answer).toMatchObject({
      text: 'Twelve.',
      reasoning: '<think>\nIs it 12?\n</think>',
    });
  });

  test('go back where the registry says that the API asks for their field', async () => {
    const deltas = [{ reasoning_content: 'Hm' }, { reasoning_content: '.' }];
    const fields = { returnReasoning: ['reasoning_content'] };
    opened = world = await openModelWorld({ m: fields }, () => ({ ...REPLY, deltas }));
    const { transcript } = await world.turn();
    expect(await next(transcript)).toMatchObject({ reasoning_content: 'Hm.' });
  });
});

test('blocks without numbers follow each other, each closed by its signature', () => {
  const collector = new OpaqueCollector();
  const pieces = [
    { type: 'thinking', thinking: 'a', signature: '' },
    { type: 'thinking', thinking: 'b', signature: '' },
    { type: 'thinking', thinking: '', signature: 's1' },
    { type: 'thinking', thinking: 'c', signature: '' },
    { type: 'thinking', thinking: '', signature: 's2' },
    { type: 'redacted_thinking', data: 'd' },
  ];
  for (const piece of pieces) collector.addMessage({ thinking_blocks: [piece] });
  expect(collector.items(new Map())).toEqual({
    message: {
      thinking_blocks: [
        { type: 'thinking', thinking: 'ab', signature: 's1' },
        { type: 'thinking', thinking: 'c', signature: 's2' },
        { type: 'redacted_thinking', data: 'd' },
      ],
    },
    calls: {},
  });
});
