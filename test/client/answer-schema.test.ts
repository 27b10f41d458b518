import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { type RunAnswer, typedAnswer } from '../../client/index.ts';
import type { EndReason } from '../../protocol/index.ts';

const SCHEMA = z.object({ total: z.number(), note: z.string().default('none') });

/** As much of a run as matters here. */
function ended(answer: string | null, reason: EndReason = 'answered'): RunAnswer {
  return { workflowId: 'run-1', answer, result: { reason } } as RunAnswer;
}

describe('typedAnswer', () => {
  test('gives the answer as a value, with the defaults of the schema', () => {
    expect(typedAnswer(ended('{"total": 3}'), SCHEMA)).toEqual({ total: 3, note: 'none' });
  });

  test('a text that is no JSON is a string', () => {
    expect(typedAnswer(ended('three'), z.string())).toBe('three');
  });

  test.each([
    ['a draft', ended('{"total": 3}', 'turns'), 'Run run-1 ended without a final answer (turns).'],
    ['nothing', ended(null, 'noCode'), 'Run run-1 ended without a final answer (noCode).'],
    [
      'another form',
      ended('{"total": "3"}'),
      'The answer of run run-1 is not of the form that was asked for: ✖ Invalid input: expected number, received string\n  → at total',
    ],
  ])('%s is refused', (_, run, message) => {
    expect(() => typedAnswer(run, SCHEMA)).toThrow(message);
  });
});
