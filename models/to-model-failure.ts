import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from 'openai';
import { FailureType } from '../protocol/index.ts';
import { ModelError, type ModelFailure } from './model-failure.ts';
import { retryDelayMs } from './retry-delay.ts';

/** Where a call went: only for messages. `apiKey` is never shown; it is taken out of what the provider said. */
export interface CallTarget {
  readonly model: string;
  readonly baseUrl: string;
  /** Name of the environment variable that holds the key. */
  readonly keyVariable: string;
  readonly apiKey: string;
}

const PROVIDER_WORDS_CHARS = 300;

/**
 * Classifies every error of a provider call. Pure. Returns null when the caller itself cancelled the
 * call: that is no failure of the model, the caller's abort reason stands.
 */
export function toModelFailure(
  error: unknown,
  target: CallTarget,
  nowMs: number = Date.now(),
): ModelFailure | null {
  if (error instanceof ModelError) return error.failure;
  // These three are `APIError`s without a status: tested first, or a dropped connection becomes permanent.
  if (error instanceof APIUserAbortError) return null;
  if (error instanceof APIConnectionTimeoutError) {
    return retry(FailureType.modelTimeout, `${at(target)} did not respond in time.`);
  }
  if (error instanceof APIConnectionError) return unreachable(error, target);
  if (error instanceof APIError) {
    const status: unknown = error.status;
    return typeof status === 'number'
      ? byStatus(error, status, target, nowMs)
      : errorInStream(error, target);
  }
  if (nameOf(error) === 'AbortError') return null;
  if (isBrokenTransport(error)) {
    return retry(
      FailureType.modelUnavailable,
      `${at(target)} broke off its answer (${said(error, target)}).`,
    );
  }
  // Not known to be permanent, so tried again: the activity's policy bounds it, and nothing is stored as an answer.
  return retry(
    FailureType.modelUnavailable,
    `The call to ${at(target)} failed: ${said(error, target)}`,
  );
}

function byStatus(
  error: APIError,
  status: number,
  target: CallTarget,
  nowMs: number,
): ModelFailure {
  const failure = ofStatus(error, status, target);
  const headers: Headers | undefined = error.headers;
  // The provider's own word on retrying goes over what its status suggests.
  const word = headers?.get('x-should-retry');
  const retryable = word === 'true' ? true : word === 'false' ? false : failure.retryable;
  const delay = retryable ? retryDelayMs(headers, nowMs) : undefined;
  return { ...failure, retryable, ...(delay === undefined ? {} : { nextRetryDelayMs: delay }) };
}

function ofStatus(error: APIError, status: number, target: CallTarget): ModelFailure {
  if (status === 401 || status === 403) return unauthorized(status, target);
  if (status === 404) {
    return {
      type: FailureType.modelNotFound,
      retryable: false,
      message: `${target.baseUrl} knows no model "${target.model}" (404): check the model's name and the base URL.`,
    };
  }
  if (status === 408) {
    return retry(FailureType.modelTimeout, `${at(target)} gave up on the call (408).`);
  }
  if (status === 429) return tooMany(error, target);
  if (status === 409 || status >= 500) {
    const words = said(error, target);
    return retry(
      FailureType.modelUnavailable,
      `${at(target)} is not available (${status}): ${words}`,
    );
  }
  return {
    type: FailureType.modelRejected,
    retryable: false,
    message: `${at(target)} rejected the call (${status}): ${said(error, target)}`,
  };
}

function unauthorized(status: number, target: CallTarget): ModelFailure {
  // Not the provider's words: they often quote a part of the key.
  return {
    type: FailureType.modelUnauthorized,
    retryable: false,
    message:
      status === 401
        ? `${target.baseUrl} refused the API key (401): set ${target.keyVariable} to a valid key.`
        : `${target.baseUrl} does not allow this key to use "${target.model}" (403): use another key (${target.keyVariable}) or another model.`,
  };
}

function tooMany(error: APIError, target: CallTarget): ModelFailure {
  if (error.code === 'insufficient_quota') {
    return {
      type: FailureType.modelRateLimited,
      retryable: false,
      message: `The account at ${target.baseUrl} has no quota left (429): add credit or use another key (${target.keyVariable}).`,
    };
  }
  return retry(FailureType.modelRateLimited, `${at(target)} asks for fewer calls (429).`);
}

/** An error event in the middle of a stream has a code but no status. */
function errorInStream(error: APIError, target: CallTarget): ModelFailure {
  const label = `${error.code ?? ''} ${error.type ?? ''}`;
  const words = said(error, target);
  if (/rate_limit/.test(label)) {
    return retry(FailureType.modelRateLimited, `${at(target)} asks for fewer calls: ${words}`);
  }
  if (/invalid_request|context_length|content_(filter|policy)/.test(label)) {
    return {
      type: FailureType.modelRejected,
      retryable: false,
      message: `${at(target)} rejected the call: ${words}`,
    };
  }
  return retry(FailureType.modelUnavailable, `${at(target)} failed in mid-answer: ${words}`);
}

function unreachable(error: APIConnectionError, target: CallTarget): ModelFailure {
  const code = causeCode(error);
  return retry(
    FailureType.modelUnavailable,
    `No connection to the model at ${target.baseUrl}${code ? ` (${code})` : ''}: check that it runs and that the base URL is right.`,
  );
}

function retry(type: FailureType, message: string): ModelFailure {
  return { type, retryable: true, message };
}

function at(target: CallTarget): string {
  return `${target.model} at ${target.baseUrl}`;
}

// Told apart by name and message, not by class: the errors of `fetch` may come from another realm.
function isBrokenTransport(error: unknown): boolean {
  const name = nameOf(error);
  // `fetch` throws TypeErrors ("terminated", "fetch failed"); a stream cut inside an event is a SyntaxError of the client.
  return (
    name === 'SyntaxError' ||
    (name === 'TypeError' && /terminated|fetch failed|network/i.test(messageOf(error))) ||
    /^(ECONN|EPIPE|ETIMEDOUT|UND_ERR_)/.test(causeCode(error) ?? '')
  );
}

/** The first system error code along the chain of causes, for instance ECONNREFUSED. */
function causeCode(error: unknown): string | undefined {
  let cause = error;
  for (let depth = 0; typeof cause === 'object' && cause !== null && depth < 5; depth++) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
    cause = 'cause' in cause ? cause.cause : undefined;
  }
  return undefined;
}

function nameOf(error: unknown): string {
  return field(error, 'name') ?? '';
}

function messageOf(error: unknown): string {
  return field(error, 'message') ?? String(error);
}

function field(error: unknown, name: 'name' | 'message'): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : undefined;
}

/** A foreign message on one line, without keys, shortened. */
function said(error: unknown, target: CallTarget): string {
  const raw = messageOf(error);
  const line = (target.apiKey.length >= 4 ? raw.replaceAll(target.apiKey, '***') : raw)
    .replaceAll(/\b(sk|pk|key)-[\w*-]{6,}/g, '***')
    .replaceAll(/\bBearer\s+\S+/gi, 'Bearer ***')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return line.length > PROVIDER_WORDS_CHARS ? `${line.slice(0, PROVIDER_WORDS_CHARS)}…` : line;
}
