import { afterEach, describe, expect, test } from '@jest/globals';
import { jsonAnswer } from '../../models/json-answer.ts';
import type { Served } from '../support/fault-server.ts';
import { type ModelWorld, openModelWorld } from './model-world.ts';

const SCHEMA = JSON.stringify({
  type: 'object',
  properties: { months: { type: 'integer' } },
  required: ['months'],
});

describe('jsonAnswer', () => {
  test.each<[string, string, string]>([
    ['JSON', '{"months": 12}', '{"months": 12}'],
    ['a fenced block', 'Here:\n```json\n{"months": 12}\n```\nDone.', '{"months": 12}'],
    ['words around it', 'It is {"months": 12}, I think.', '{"months": 12}'],
    ['a trailing comma', '{"months": 12,}', '{"months": 12}'],
    ['single quotes', "{'months': 12}", '{"months": 12}'],
    ['a comment', '{"months": 12 // a year\n}', '{"months": 12 \n}'],
    ['a missing bracket', '{"months": 12', '{"months": 12}'],
    ['Python words', '{"months": 12, "certain": True}', '{"months": 12, "certain": true}'],
  ])('finds %s', async (_, reply, text) => {
    expect(await jsonAnswer(reply, SCHEMA)).toEqual({ ok: true, text });
  });

  test.each<[string, string, string[]]>([
    [
      'a wrong type',
      '{"months": "12"}',
      ['months: Invalid input: expected number, received string.'],
    ],
    ['nothing of it', '{}', ['months: Invalid input: expected number, received undefined.']],
  ])('says what is wrong with %s', async (_, reply, problems) => {
    expect(await jsonAnswer(reply, SCHEMA)).toEqual({ ok: false, problems });
  });

  test('prose is no object', async () => {
    expect(await jsonAnswer('Twelve months.', SCHEMA)).toMatchObject({ ok: false });
  });
});

let world: ModelWorld;
let opened: ModelWorld | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

async function open(
  replies: readonly Served[],
  fields: Record<string, unknown> = {},
): Promise<void> {
  opened = world = await openModelWorld(
    { m: fields },
    (_, number) => replies[number - 1] ?? { kind: 'status', status: 500 },
  );
}

const says = (text: string, more: object = {}): Served => ({ kind: 'reply', text, ...more });
const prompts = (): unknown[] => world.server.requests.map(({ body }) => body.messages);

describe('a sub-call with a schema', () => {
  test('is told it, and its answer is JSON', async () => {
    await open([says('```json\n{"months": 12}\n```')]);
    const { answer } = await world.ask({ prompt: 'How long?', schema: SCHEMA });
    expect(answer).toMatchObject({ status: 'ok', text: '{"months": 12}', format: 'json' });
    const content = `How long?\n\nAnswer with JSON alone, without any text around it, that satisfies this JSON Schema:\n${SCHEMA}`;
    expect(prompts()).toEqual([[{ role: 'user', content }]]);
    expect(world.server.requests[0]?.body).not.toHaveProperty('response_format');
  });

  test('shows a wrong answer to the model once, and takes what it corrects', async () => {
    await open([says('{"months": "twelve"}'), says('{"months": 12}')]);
    const { result, answer } = await world.ask({ schema: SCHEMA });
    expect(answer).toMatchObject({ status: 'ok', text: '{"months": 12}' });
    expect(result.usage).toMatchObject({ inputTokens: 20, outputTokens: 10 });
    expect(world.server.requests[1]?.body.messages.slice(1)).toEqual([
      { role: 'assistant', content: '{"months": "twelve"}' },
      {
        role: 'user',
        content:
          'That does not satisfy the JSON Schema: months: Invalid input: expected number, received string.\nGive the whole answer again, corrected, as JSON alone.',
      },
    ]);
  });

  test('that stays wrong is a failed answer that says why, after two requests', async () => {
    await open([says('{"months": "twelve"}'), says('{"months": "XII"}')]);
    const { answer } = await world.ask({ schema: SCHEMA });
    expect(answer).toMatchObject({
      status: 'failed',
      type: 'Model.Rejected',
      message:
        'The answer of faulty does not satisfy the schema: months: Invalid input: expected number, received string. It begins: {"months": "XII"}',
      usage: { inputTokens: 20 },
    });
    expect(world.server.requests).toHaveLength(2);
  });

  test('that was cut off is not repaired', async () => {
    await open([says('{"months": 1', { finishReason: 'length' })]);
    const { answer } = await world.ask({ schema: SCHEMA });
    expect(answer).toMatchObject({
      status: 'failed',
      message: expect.stringMatching(/^The JSON of faulty was cut off by the output limit of /),
    });
    expect(world.server.requests).toHaveLength(1);
  });

  test('without money for a correction keeps what was wrong', async () => {
    const prices = { inputUsdPerMTok: 0, outputUsdPerMTok: 1000 };
    await open([says('{}', { usage: { input: 10, output: 2000 } })], { prices });
    const allowance = { costUsd: 3, tokens: null };
    const { answer, result } = await world.ask({ schema: SCHEMA }, { allowance });
    expect(answer).toMatchObject({ status: 'failed' });
    expect(result.usage.costUsd).toBe(2);
    expect(world.server.requests).toHaveLength(1);
  });

  test('that is none is refused before anything is sent', async () => {
    await open([]);
    const { answer } = await world.ask({ schema: '{"type": "whole"}' });
    expect(answer).toMatchObject({
      status: 'failed',
      type: 'InvalidInput',
      message: expect.stringMatching(/^schema= is no JSON Schema that can be used: /),
    });
    expect(world.server.requests).toEqual([]);
  });

  test.each<[string, unknown]>([
    [
      'schema',
      { type: 'json_schema', json_schema: { name: 'answer', schema: JSON.parse(SCHEMA) } },
    ],
    ['object', { type: 'json_object' }],
  ])('asks for it by the API too where the registry says %s', async (jsonReplies, format) => {
    await open([says('{"months": 12}')], { jsonReplies });
    await world.ask({ schema: SCHEMA });
    expect(world.server.requests[0]?.body['response_format']).toEqual(format);
  });
});
