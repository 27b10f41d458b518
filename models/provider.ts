import OpenAI from 'openai';
import type {
  ChatCompletionChunk,
  ChatCompletionCreateParamsStreaming,
} from 'openai/resources/chat/completions';
import {
  FailureType,
  type ModelCard,
  type TranscriptMessage,
  type Usage,
} from '../protocol/index.ts';
import type { Endpoint } from './endpoint.ts';
import { promptChars } from './message-size.ts';
import { ModelError } from './model-failure.ts';
import { PYTHON_TOOL, type ToolCall, ToolCallCollector, toWireMessage } from './python-tool.ts';
import { toModelFailure } from './to-model-failure.ts';
import { estimatedUsage, reportedUsage, type ReportedTokens } from './usage.ts';

/** A message of a prompt. */
export type ChatMessage = Readonly<TranscriptMessage>;

/** How far a call is; given at each chunk, so that a caller can heartbeat and tell a slow answer from a dead one. */
export interface CallProgress {
  readonly chunks: number;
  readonly outputChars: number;
  readonly reasoningChars: number;
}

export interface ChatRequest {
  readonly card: ModelCard;
  readonly endpoint: Endpoint;
  readonly messages: readonly ChatMessage[];
  /** Offers the tool `python`, whose calls come back in the reply; `none` shows it and forbids to call it. */
  readonly python?: 'auto' | 'none';
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CallProgress) => void;
}

export interface ChatReply {
  readonly text: string;
  /** Calls of the tool `python`, in order; absent without any. */
  readonly calls?: ToolCall[];
  /** As the provider says it: `stop`, `length`, `content_filter`…; `refusal` when it declined in words. */
  readonly finishReason: string;
  /** What the model wrote while it thought, where the endpoint shows it; kept for the audit, never sent back. */
  readonly reasoning?: string;
  readonly usage: Usage;
  /** The model that answered, as the provider names it. */
  readonly model: string;
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
      {
        ...endpoint.parameters,
        model: card.model,
        messages: request.messages.map(toWireMessage),
        ...(request.python === undefined
          ? {}
          : { tools: [PYTHON_TOOL], tool_choice: request.python }),
        stream: true,
        stream_options: { include_usage: true },
        // Budgets reserve by this limit, so each call carries it.
        [endpoint.outputLimitField]: card.maxOutputTokens,
      } satisfies ChatCompletionCreateParamsStreaming,
      // The client's own limit covers only the time to the headers; the signal covers the whole call.
      { signal, timeout: card.timeoutMs + 1_000, maxRetries: 0 },
    );
    return await collect(stream, request);
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

async function collect(
  stream: AsyncIterable<ChatCompletionChunk>,
  { card, endpoint, messages, onProgress }: ChatRequest,
): Promise<ChatReply> {
  let text = '';
  let refusal = '';
  let reasoning = '';
  let finishReason: string | null = null;
  let model = card.model;
  let tokens: ReportedTokens | null = null;
  let chunks = 0;
  const calls = new ToolCallCollector();
  for await (const chunk of stream) {
    chunks += 1;
    model = chunk.model || model;
    const choice = chunk.choices?.[0];
    text += choice?.delta?.content ?? '';
    refusal += choice?.delta?.refusal ?? '';
    reasoning += reasoningOf(choice?.delta);
    calls.add(choice?.delta);
    finishReason = choice?.finish_reason ?? finishReason;
    tokens = tokensOf(chunk) ?? tokens;
    onProgress?.({
      chunks,
      outputChars: text.length + calls.chars,
      reasoningChars: reasoning.length,
    });
  }
  if (finishReason === null) {
    const where = `${card.model} at ${endpoint.baseUrl}`;
    throw new ModelError({
      type: FailureType.modelUnavailable,
      retryable: true,
      message:
        chunks === 0
          ? `${where} sent no stream: check that the base URL is that of an OpenAI-compatible API.`
          : `${where} closed the stream before the end of its answer.`,
    });
  }
  return {
    text: text === '' ? refusal : text,
    ...(calls.calls.length === 0 ? {} : { calls: calls.calls }),
    finishReason: text === '' && refusal !== '' ? 'refusal' : finishReason,
    ...(reasoning === '' ? {} : { reasoning }),
    usage: tokens
      ? reportedUsage(card, tokens)
      : estimatedUsage(
          card,
          promptChars(messages),
          text.length + refusal.length + reasoning.length + calls.chars,
        ),
    model,
  };
}

function tokensOf(chunk: ChatCompletionChunk): ReportedTokens | null {
  if (!chunk.usage) return null;
  const { prompt_tokens: input, completion_tokens: output, prompt_tokens_details } = chunk.usage;
  if (!isCount(input) || !isCount(output)) return null;
  const cached = prompt_tokens_details?.cached_tokens;
  // Some gateways name the price of the call themselves.
  const cost: unknown = 'cost' in chunk.usage ? chunk.usage.cost : undefined;
  return {
    input,
    output,
    cachedInput: isCount(cached) ? cached : 0,
    ...(typeof cost === 'number' && cost >= 0 ? { costUsd: cost } : {}),
  };
}

/** Not in the API's own types: servers of open models and gateways name the field in two ways. */
function reasoningOf(delta: object | undefined): string {
  for (const name of ['reasoning_content', 'reasoning']) {
    const text: unknown = Reflect.get(delta ?? {}, name);
    if (typeof text === 'string') return text;
  }
  return '';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
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
