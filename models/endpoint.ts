import { FailureType } from '../protocol/index.ts';
import { ModelError, type ModelFailure } from './model-failure.ts';
import { toModelFailure, type CallTarget } from './to-model-failure.ts';
import { APIConnectionError, APIError } from 'openai';

export const OPENAI_BASE_URL = 'https://api.openai.com/v1';

/** Where a model is served and with which key. Lives only in the process that calls models; never part of a card, a payload or a blob. */
export interface Endpoint {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Name of the environment variable that the key came from. */
  readonly keyVariable: string;
  readonly outputLimitField: 'max_tokens' | 'max_completion_tokens';
  /** Further fields of each request. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** How the endpoint is asked for JSON beside the prompt; absent: not at all. */
  readonly jsonReplies?: JsonReplies;
  /** Fields of a reply that the API wants back; absent: those known to be such. */
  readonly returnReasoning?: readonly string[];
}

/** `schema`: by `response_format` with the JSON Schema; `object`: by the wish for an object alone. */
export type JsonReplies = 'schema' | 'object';

/** What an endpoint said of itself when it was asked for its list of models. */
export type EndpointReport =
  | { readonly reachable: true; readonly standIn: boolean; readonly models: readonly string[] }
  | { readonly reachable: false; readonly failure: ModelFailure };

/** How long the question may take, in ms: it only decides a label or an early error. */
const ASK_TIMEOUT_MS = 3_000;

/**
 * Asks `GET /models`. Never throws: an endpoint without that list is still reachable. Costs nothing at
 * any provider, so that a wrong key or address is told before a run starts.
 */
export async function askEndpoint(endpoint: Endpoint): Promise<EndpointReport> {
  const target: CallTarget = { ...endpoint, model: 'the list of models' };
  try {
    const response = await fetch(`${endpoint.baseUrl}/models`, {
      headers: { authorization: `Bearer ${endpoint.apiKey}` },
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    });
    if (response.status === 401 || response.status === 403) {
      throw APIError.generate(response.status, undefined, undefined, response.headers);
    }
    const models = response.ok ? modelIds(await response.json().catch(() => null)) : [];
    return { reachable: true, standIn: response.headers.has('x-stand-in'), models };
  } catch (error) {
    const known =
      error instanceof APIError
        ? error
        : Object.assign(new APIConnectionError({}), { cause: error });
    const failure = toModelFailure(known, target);
    if (failure === null) throw error;
    return { reachable: false, failure };
  }
}

/** A base URL without a trailing slash. Throws InvalidInput when it is none. */
export function parseBaseUrl(variable: string, value: string): string {
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new ModelError({
      type: FailureType.invalidInput,
      retryable: false,
      message: `${variable} must be an http or https URL such as ${OPENAI_BASE_URL}, not "${value}".`,
    });
  }
  if (url.username !== '' || url.password !== '') {
    // Not quoted: it holds a secret, and base URLs stand in messages that histories keep.
    throw new ModelError({
      type: FailureType.invalidInput,
      retryable: false,
      message: `${variable} must not hold a user name or password; put the key into OPENAI_API_KEY.`,
    });
  }
  return value.replace(/\/+$/, '');
}

function modelIds(body: unknown): string[] {
  const data: unknown =
    body !== null && typeof body === 'object' && 'data' in body ? body.data : [];
  if (!Array.isArray(data)) return [];
  return data.flatMap((item: unknown) =>
    item !== null && typeof item === 'object' && 'id' in item && typeof item.id === 'string'
      ? [item.id]
      : [],
  );
}
