import { describe, expect, test } from '@jest/globals';
import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from 'openai';
import { ModelError } from '../../models/model-failure.ts';
import { toModelFailure } from '../../models/to-model-failure.ts';

const KEY = 'sk-secret-0123456789';
const TARGET = {
  model: 'm-1',
  baseUrl: 'http://host/v1',
  keyVariable: 'OPENAI_API_KEY',
  apiKey: KEY,
};
const NOW = Date.parse('2026-11-22T10:00:00Z');

function status(
  code: number,
  headers: Record<string, string> = {},
  error: Record<string, unknown> = { message: 'the words of the provider' },
): APIError {
  return APIError.generate(code, { error }, undefined, new Headers(headers));
}

const classify = (error: unknown): unknown => toModelFailure(error, TARGET, NOW);

describe('toModelFailure', () => {
  test.each<[number, string, boolean, string]>([
    [
      400,
      'Model.Rejected',
      false,
      'm-1 at http://host/v1 rejected the call (400): 400 the words of the provider',
    ],
    [
      401,
      'Model.Unauthorized',
      false,
      'http://host/v1 refused the API key (401): set OPENAI_API_KEY to a valid key.',
    ],
    [
      403,
      'Model.Unauthorized',
      false,
      'http://host/v1 does not allow this key to use "m-1" (403): use another key (OPENAI_API_KEY) or another model.',
    ],
    [
      404,
      'Model.NotFound',
      false,
      `http://host/v1 knows no model "m-1" (404): check the model's name and the base URL.`,
    ],
    [408, 'Model.Timeout', true, 'm-1 at http://host/v1 gave up on the call (408).'],
    [
      409,
      'Model.Unavailable',
      true,
      'm-1 at http://host/v1 is not available (409): 409 the words of the provider',
    ],
    [
      413,
      'Model.Rejected',
      false,
      'm-1 at http://host/v1 rejected the call (413): 413 the words of the provider',
    ],
    [
      422,
      'Model.Rejected',
      false,
      'm-1 at http://host/v1 rejected the call (422): 422 the words of the provider',
    ],
    [429, 'Model.RateLimited', true, 'm-1 at http://host/v1 asks for fewer calls (429).'],
    [
      500,
      'Model.Unavailable',
      true,
      'm-1 at http://host/v1 is not available (500): 500 the words of the provider',
    ],
    [
      503,
      'Model.Unavailable',
      true,
      'm-1 at http://host/v1 is not available (503): 503 the words of the provider',
    ],
  ])('%i → %s', (code, type, retryable, message) => {
    expect(classify(status(code))).toEqual({ type, retryable, message });
  });

  test('an exhausted quota is a 429 that no waiting mends', () => {
    expect(classify(status(429, {}, { message: 'x', code: 'insufficient_quota' }))).toEqual({
      type: 'Model.RateLimited',
      retryable: false,
      message:
        'The account at http://host/v1 has no quota left (429): add credit or use another key (OPENAI_API_KEY).',
    });
  });

  test.each<[number, string, boolean]>([
    [400, 'true', true],
    [429, 'false', false],
    [503, 'false', false],
    [503, 'perhaps', true],
  ])('%i with x-should-retry: %s → retryable %s', (code, word, retryable) => {
    expect(classify(status(code, { 'x-should-retry': word }))).toMatchObject({ retryable });
  });

  test.each<[string, Record<string, string>, number | undefined]>([
    ['retry-after-ms', { 'retry-after-ms': '250', 'retry-after': '9' }, 250],
    ['retry-after in seconds', { 'retry-after': '2' }, 2000],
    ['retry-after in parts of a second', { 'retry-after': '0.5' }, 500],
    ['retry-after as a date', { 'retry-after': 'Sun, 22 Nov 2026 10:00:07 GMT' }, 7000],
    ['retry-after as a date gone by', { 'retry-after': 'Sun, 22 Nov 2026 09:00:00 GMT' }, 0],
    ['retry-after beyond reason', { 'retry-after': '86400' }, 600_000],
    ['retry-after-ms without sense', { 'retry-after-ms': 'soon', 'retry-after': '3' }, 3000],
    ['retry-after below zero', { 'retry-after': '-5' }, undefined],
    ['no header', {}, undefined],
  ])('429 with %s', (_, headers, delay) => {
    expect(classify(status(429, headers))).toEqual({
      type: 'Model.RateLimited',
      retryable: true,
      message: 'm-1 at http://host/v1 asks for fewer calls (429).',
      ...(delay === undefined ? {} : { nextRetryDelayMs: delay }),
    });
  });

  test('a failure that is not retried carries no delay', () => {
    expect(classify(status(400, { 'retry-after': '5' }))).not.toHaveProperty('nextRetryDelayMs');
  });

  test('a refused connection says where and why, and is retried', () => {
    const cause = new TypeError('fetch failed', {
      cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
    });
    expect(classify(new APIConnectionError({ cause }))).toEqual({
      type: 'Model.Unavailable',
      retryable: true,
      message:
        'No connection to the model at http://host/v1 (ECONNREFUSED): check that it runs and that the base URL is right.',
    });
  });

  test("the client's own timeout is retried", () => {
    expect(classify(new APIConnectionTimeoutError())).toEqual({
      type: 'Model.Timeout',
      retryable: true,
      message: 'm-1 at http://host/v1 did not respond in time.',
    });
  });

  test.each([
    ['APIUserAbortError', new APIUserAbortError()],
    ['AbortError', new DOMException('stop', 'AbortError')],
  ])('%s is a cancellation, no failure', (_, error) => {
    expect(classify(error)).toBeNull();
  });

  test.each<[string, string, boolean]>([
    ['rate_limit_exceeded', 'Model.RateLimited', true],
    ['context_length_exceeded', 'Model.Rejected', false],
    ['content_filter', 'Model.Rejected', false],
    ['server_error', 'Model.Unavailable', true],
    ['whatever', 'Model.Unavailable', true],
  ])('an error event %s in a stream → %s', (code, type, retryable) => {
    const event = new APIError(undefined, { code, message: 'no' }, undefined, undefined);
    expect(classify(event)).toMatchObject({ type, retryable });
  });

  test.each([
    ['a cut event', new SyntaxError('malformed server-sent event JSON.')],
    ['a terminated body', new TypeError('terminated')],
    ['a reset', Object.assign(new Error('read'), { code: 'ECONNRESET' })],
  ])('%s is retried', (_, error) => {
    expect(classify(error)).toMatchObject({ type: 'Model.Unavailable', retryable: true });
  });

  test('an error of no known kind is retried, never taken for an answer', () => {
    expect(classify(new RangeError('odd'))).toEqual({
      type: 'Model.Unavailable',
      retryable: true,
      message: 'The call to m-1 at http://host/v1 failed: odd',
    });
  });

  test('a failure that is already classified passes through', () => {
    const failure = { type: 'Model.Rejected', retryable: false, message: 'as it was' } as const;
    expect(classify(new ModelError(failure))).toBe(failure);
  });

  test.each([
    ['whole', `bad key ${KEY} given`],
    ['masked by the provider', 'bad key sk-secr*******6789 given'],
    ['in a header', `Authorization: Bearer ${KEY}`],
  ])('a key in the words of the provider (%s) does not get out', (_, message) => {
    const failure = toModelFailure(status(400, {}, { message }), TARGET, NOW);
    expect(failure?.message).not.toMatch(/sk-|secret|6789/);
    expect(failure?.message).toContain('***');
  });

  test('foreign words are put on one line and shortened', () => {
    const failure = toModelFailure(
      status(400, {}, { message: `a\n\n b${'x'.repeat(5000)}` }),
      TARGET,
      NOW,
    );
    expect(failure?.message).toMatch(
      /^m-1 at http:\/\/host\/v1 rejected the call \(400\): 400 a bx+…$/,
    );
    expect(failure?.message.length).toBeLessThan(400);
  });
});
