import OpenAI from 'openai';
import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions';
import { FailureType, type ModelCard, type Usage } from '../protocol/index.ts';
import { collectReply, type CollectedReply } from './collect-reply.ts';
import { countTokens } from './count-tokens.ts';
import type { Endpoint } from './endpoint.ts';
import { imageTokens, readOf } from './message-size.ts';
import { ModelError } from './model-failure.ts';
import type { PromptMessage } from './prompt-message.ts';
import { PYTHON_TOOL, toWireMessage } from './python-tool.ts';
import { toModelFailure } from './to-model-failure.ts';
import { estimatedUsage, reportedUsage } from './usage.ts';

/** How far a call is; given at each chunk, so that a caller can heartbeat and tell a slow answer from a dead one. */
export interface CallProgress {
  readonly chunks: number;
  readonly outputChars: number;
  readonly reasoningChars: number;
}

export interface ChatRequest {
  readonly card: ModelCard;
  readonly endpoint: Endpoint;
  readonly messages: readonly PromptMessage[];
  /** Offers the tool `python`, whose calls come back in the reply; `none` shows it and forbids to call it. */
  readonly python?: 'auto' | 'none';
  /** Generation stops where the first whole block of code ends. */
  readonly oneBlock?: boolean;
  /** JSON Schema (as text) that the answer has to satisfy, for endpoints that take one. */
  readonly schema?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CallProgress) => void;
}

/** A whole reply: `finishReason` as the provider says it (`stop`, `length`, `content_filter`…), `refusal` when it declined in words, `block` when it was stopped after one. */
export interface ChatReply extends Omit<CollectedReply, 'tokens'> {
  readonly usage: Usage;
}

/**
 * One streamed chat completion, sent once: retries belong to Temporal. Throws ModelError for every failure of
 * the call, and the signal's reason when the caller aborted. An answer that stops before its end is a failure.
 */
export async function completeChat(request: ChatRequest): Promise<ChatReply> {
  const { card, endpoint } = request;
  const timeout = AbortSignal.timeout(card.timeoutMs);
  const signal = request.signal ? AbortSignal.any([request.signal, timeout]) : timeout;
  try {
    const stream = await clientOf(endpoint).chat.completions.create(
      bodyOf(request),
      // The client's own limit covers only the time to the headers; the signal covers the whole call.
      { signal, timeout: card.timeoutMs + 1_000, maxRetries: 0 },
    );
    const { tokens, ...reply } = await collectReply(stream, request);
    const usage =
      tokens === null ? await countedUsage(request, reply) : reportedUsage(card, tokens);
    return { ...reply, usage };
  } catch (error) {
    if (request.signal?.aborted) throw request.signal.reason;
    const failure = timeout.aborted
      ? {
          type: FailureType.modelTimeout,
          retryable: true,
          message: `${card.model} at ${endpoint.baseUrl} did not finish its answer within ${card.timeoutMs / 1000} s.`,
        }
      : toModelFailure(error, { ...endpoint, model: card.model });
    if (failure === null) throw error;
    throw new ModelError(failure, { cause: error });
  }
}

function bodyOf(request: ChatRequest): ChatCompletionCreateParamsStreaming {
  const { card, endpoint, messages, python, schema } = request;
  return {
    ...endpoint.parameters,
    model: card.model,
    messages: messages.map(toWireMessage),
    ...(python === undefined ? {} : { tools: [PYTHON_TOOL], tool_choice: python }),
    ...(schema === undefined ? {} : responseFormat(endpoint, schema)),
    stream: true,
    stream_options: { include_usage: true },
    // Budgets reserve by this limit, so each call carries it.
    [endpoint.outputLimitField]: card.maxOutputTokens,
  };
}

function responseFormat(
  { jsonReplies }: Endpoint,
  schema: string,
): Pick<ChatCompletionCreateParamsStreaming, 'response_format'> {
  if (jsonReplies === undefined) return {};
  if (jsonReplies === 'object') return { response_format: { type: 'json_object' } };
  const parsed: Record<string, unknown> = JSON.parse(schema);
  return {
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: parsed } },
  };
}

/** Nobody but us counts: marked as estimated. */
async function countedUsage(
  { card, messages }: ChatRequest,
  { text, reasoning = '', calls = [] }: Omit<CollectedReply, 'tokens'>,
): Promise<Usage> {
  let input = 0;
  for (const message of messages) {
    input += (await countTokens(readOf(message))) + imageTokens(message.images?.length ?? 0);
  }
  const said = text + reasoning + calls.map((call) => call.arguments).join('');
  return estimatedUsage(card, input, await countTokens(said));
}

const clients = new Map<string, OpenAI>();

/** One client an endpoint, for its connection pool. Held in memory only, like the key in it. */
function clientOf({ baseUrl, apiKey }: Endpoint): OpenAI {
  const key = `${baseUrl}\n${apiKey}`;
  let client = clients.get(key);
  if (client === undefined) {
    client = new OpenAI({ baseURL: baseUrl, apiKey, maxRetries: 0, logLevel: 'off' });
    clients.set(key, client);
  }
  return client;
}
