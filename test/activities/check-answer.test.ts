import { describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createCheckAnswer } from '../../activities/check-answer.ts';
import { memoryStore, putText } from '../../store/index.ts';

async function check(draft: string, schema?: unknown): Promise<unknown> {
  const store = memoryStore();
  const input = {
    draft: await putText(store, draft),
    schema: schema === undefined ? null : await putText(store, JSON.stringify(schema)),
  };
  return new MockActivityEnvironment().run(createCheckAnswer({ store }), input);
}

const SCHEMA = {
  type: 'object',
  properties: { total: { type: 'number' } },
  required: ['total'],
};

describe('a draft', () => {
  test('without a schema need only not be blank', async () => {
    expect(await check('Yes.')).toEqual({ ok: true, problems: [] });
    expect(await check(' \n')).toEqual({ ok: false, problems: ['answer["content"] is blank.'] });
  });

  test('with a schema must be JSON that satisfies it', async () => {
    expect(await check('{"total": 3}', SCHEMA)).toEqual({ ok: true, problems: [] });
    expect(await check('{"total": "3"}', SCHEMA)).toEqual({
      ok: false,
      problems: ['total: Invalid input: expected number, received string.'],
    });
    expect(await check('three', SCHEMA)).toMatchObject({
      ok: false,
      problems: [expect.stringMatching(/^answer\["content"\] must be JSON: SyntaxError/)],
    });
  });

  test('whose check backtracks for ever is refused in 5 s, and the worker goes on', async () => {
    const schema = { type: 'string', pattern: '^(\\w+\\s?)*$' };
    const check5s = check(JSON.stringify(`${'x'.repeat(40)}!`), schema);
    // The event loop is free meanwhile: this timer fires.
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await check5s).toEqual({
      ok: false,
      problems: ['The answer could not be checked against its schema within 5 s.'],
    });
  });

  test('of any length and badness gives at most 20 problems of 500 characters', async () => {
    const items = { type: 'array', items: { type: 'number' } };
    const result = await check(JSON.stringify(Array.from({ length: 100 }, () => 'x')), items);
    expect((result as { problems: string[] }).problems).toHaveLength(20);
  });
});
