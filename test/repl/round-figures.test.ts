import { describe, expect, test } from '@jest/globals';
import { caps, type CallRequest } from '../../protocol/index.ts';
import { storeExtra } from '../../repl/call-extra.ts';
import { longestPrompt, modelsOf } from '../../repl/round-figures.ts';
import { memoryStore } from '../../store/index.ts';

function request(model: string | null, more: Partial<CallRequest> = {}): CallRequest {
  return { kind: 'llm', prompt: 'q', model, context: null, ...more };
}

const numbered = (requests: readonly CallRequest[]) =>
  requests.map((each, at) => ({ number: at + 1, request: each }));

describe('modelsOf', () => {
  test('names the calls of each model', () => {
    const requests = [null, 'a', 'a', 'b', null, 'a'].map((model) => request(model));
    expect(modelsOf(numbered(requests))).toEqual({
      models: [
        {
          model: 'a',
          calls: [
            [2, 3],
            [6, 6],
          ],
        },
        { model: 'b', calls: [[4, 4]] },
      ],
    });
  });

  test('says nothing where no sub-call names one', () => {
    expect(modelsOf(numbered([request(null), request('a', { kind: 'rlm' })]))).toEqual({});
  });

  test('stays within its caps', () => {
    const names = Array.from({ length: 2000 }, (_, at) => `m${at % 40}`);
    const { models = [] } = modelsOf(numbered(names.map((name) => request(name))));
    expect(models).toHaveLength(caps.MODELS_A_ROUND);
    expect(models.every(({ calls }) => calls.length <= caps.MODEL_RANGES)).toBe(true);
  });
});

test('images and schemas count as parts of a prompt', () => {
  const images = [{ mediaType: 'image/png' as const, blob: `sha256:${'0'.repeat(64)}` }];
  const requests = numbered([request(null, { schema: '{}' }), request(null, { images })]);
  expect(longestPrompt(requests, [])).toBe(1 + 4096);
});

describe('storeExtra', () => {
  test.each([
    'no JSON',
    '[]',
    '{"images": [{"mediaType": "text/html", "base64": ""}]}',
    '{"schema": 5}',
    JSON.stringify({
      images: Array.from({ length: 21 }, () => ({ mediaType: 'image/png', base64: '' })),
    }),
  ])('takes nothing of what a kernel forged: %j', async (json) => {
    expect(await storeExtra(memoryStore(), Buffer.from(json))).toEqual({});
  });
});
