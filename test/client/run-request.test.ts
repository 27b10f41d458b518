import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { InvalidRequest, type RunRequest } from '../../client/index.ts';
import { toRunSpec } from '../../client/run-request.ts';
import { digestOf, getText, memoryStore, type Store } from '../../store/index.ts';
import { makeWheel } from '../support/wheel.ts';

function refuse(): never {
  throw new Error('written');
}

/** A store that fails the test when anything is written. */
function untouched(): Store {
  const store = memoryStore();
  return { ...store, blobs: { ...store.blobs, put: refuse }, describe: () => 'untouched' };
}

describe('a request', () => {
  test('becomes a spec whose texts are in the store', async () => {
    const store = memoryStore();
    const spec = await toRunSpec(store, {
      question: ' Which? ',
      input: { contract: 'text', prior: { MIT: 'licence' } },
      budget: { turns: 3 },
    });
    expect(await getText(store, spec.question)).toBe('Which?');
    expect(spec.inputs.map(({ path, format, chars }) => [path.join('/'), format, chars])).toEqual([
      ['contract', 'text', 4],
      ['prior/MIT', 'text', 7],
    ]);
    expect(spec.budget).toEqual({ turns: 3 });
  });

  test('takes a zod schema for the form of its answer', async () => {
    const store = memoryStore();
    const answerSchema = z.object({ total: z.number(), note: z.string().default('') });
    const spec = await toRunSpec(store, { question: 'Which?', input: 'text', answerSchema });
    expect(JSON.parse(await getText(store, spec.answerSchema ?? ''))).toMatchObject({
      type: 'object',
      properties: { total: { type: 'number' }, note: { type: 'string' } },
      required: ['total'],
    });
  });

  test('says when the model is asked to confirm', async () => {
    const request = { question: 'Which?', input: 'text' };
    const store = memoryStore();
    expect((await toRunSpec(store, { ...request, confirm: 'never' })).confirm).toBe('never');
    expect(await toRunSpec(store, request)).not.toHaveProperty('confirm');
  });

  test('made twice gives the same spec: equal texts are one blob', async () => {
    const store = memoryStore();
    const request = { question: 'Which?', input: 'text' };
    expect(await toRunSpec(store, request)).toEqual(await toRunSpec(store, request));
  });

  test('stores the wheels of its packages as they are', async () => {
    const store = memoryStore();
    const wheel = makeWheel('greet-1-py3-none-any.whl', { 'greet.py': '' });
    const spec = await toRunSpec(store, { question: 'Q?', input: 'text', packages: [wheel] });
    expect(spec.packages).toEqual([
      {
        file: wheel.file,
        blob: { digest: digestOf(wheel.bytes), sizeBytes: wheel.bytes.length },
      },
    ]);
    expect(
      await toRunSpec(store, { question: 'Q?', input: 'text', packages: [] }),
    ).not.toHaveProperty('packages');
  });

  test('with a wheel of native code is refused by its name before anything is stored', async () => {
    const file = 'numpy-2.4.0-cp314-cp314-manylinux_2_27_x86_64.whl';
    const wheel = { file, bytes: new Uint8Array(8) };
    await expect(
      toRunSpec(untouched(), { question: 'Q?', input: 'text', packages: [wheel] }),
    ).rejects.toThrow(
      new InvalidRequest(
        `The request is not valid: packages: ${file} holds native code, by its name for cp314-manylinux_2_27_x86_64: only pure-Python wheels (…-none-any.whl) can be used.`,
      ),
    );
  });

  test('keeps the order in which a tool lists its parameters', async () => {
    const store = memoryStore();
    const parameters = { type: 'object', properties: { to: {}, from: {}, at: {} } };
    const tool = { name: 'book', taskQueue: 'trips', parameters };
    const { tools } = await toRunSpec(store, { question: 'Q', input: 'text', tools: [tool] });
    const stored: unknown = JSON.parse(await getText(store, tools ?? ''));
    expect(JSON.stringify(stored)).toContain('"properties":{"to":{},"from":{},"at":{}}');
  });

  test('of a run that starts from another has no inputs unless it brings some', async () => {
    const from = { workflowId: 'source', cell: '2.1' };
    const spec = await toRunSpec(memoryStore(), { question: 'Q', from });
    expect([spec.inputs, spec.from]).toEqual([[], from]);
    await expect(toRunSpec(untouched(), { question: 'Q' })).rejects.toThrow(
      'The request is not valid: input: expected text or another JSON value.',
    );
    const wrong = { question: 'Q', from: { workflowId: 'source', cell: 'two' } };
    await expect(toRunSpec(untouched(), wrong)).rejects.toThrow(
      'The request is not valid: from.cell: must be a cell, for instance 3.1.',
    );
  });

  test.each([
    [{ question: '  ' }, 'The request is not valid: question: must not be empty.'],
    [
      { budget: { turns: 0 } },
      'The request is not valid: budget.turns: Too small: expected number to be >0.',
    ],
    [{ budget: { dollars: 1 } }, 'The request is not valid: budget: Unrecognized key: "dollars".'],
    [
      { answerSchema: { type: 'objekt' } },
      'The request is not valid: answerSchema: not a JSON Schema that can be checked: Unsupported type: objekt.',
    ],
    [
      { answerSchema: z.object({ when: z.date() }) },
      'The request is not valid: answerSchema: not a JSON Schema that can be checked: Date cannot be represented in JSON Schema.',
    ],
    [
      { confirm: 'sometimes' },
      'The request is not valid: confirm: Invalid option: expected one of "unseen"|"always"|"never".',
    ],
    [
      { concurrency: 501 },
      'The request is not valid: concurrency: Too big: expected number to be <=500.',
    ],
  ])('that is wrong (%j) is refused by path, and nothing is stored', async (wrong, message) => {
    // As untyped JavaScript callers would pass it.
    const request = { question: 'Which?', input: 'text', ...wrong } as RunRequest;
    const refusal = await toRunSpec(untouched(), request).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(InvalidRequest);
    expect((refusal as Error).message).toBe(message);
  });
});
