import { FailureType, type ModelCard, type OpaqueReasoning } from '../protocol/index.ts';
import type { Store } from '../store/index.ts';
import { mostTokens, promptChars } from './message-size.ts';
import { ModelError } from './model-failure.ts';
import { keepOpaque, makerOf } from './opaque-reasoning.ts';
import { type ChatMessage, loadMessages } from './prompt-message.ts';
import { fitContext } from './prompt-size.ts';
import { type ChatReply, type ChatRequest, completeChat } from './provider.ts';
import type { Registry } from './registry.ts';
import { estimateTokens } from './usage.ts';
import { AllowanceTooSmall, withinAllowance } from './within-allowance.ts';

export interface ModelCall extends Pick<
  ChatRequest,
  'python' | 'oneBlock' | 'schema' | 'signal' | 'onProgress'
> {
  readonly store: Store;
  readonly registry: Registry;
  readonly card: ModelCard;
  readonly messages: readonly ChatMessage[];
  /** What the call may cost at most, its output cut to fit. */
  readonly allowance?: { readonly costUsd: number; readonly tokens: number | null } | undefined;
  /** At most so many tokens are in the prompt, where that is known better than by its bytes. */
  readonly promptTokens?: number;
  /** Of the activity; counts from 1. Default 1. */
  readonly attempt?: number;
}

export interface ModelReply extends Omit<ChatReply, 'items'> {
  readonly opaque?: OpaqueReasoning;
  /** Registry name of the model that answered. */
  readonly by: string;
}

/** An outage may be short: a fallback is asked when so many attempts have failed, this one among them. */
const ATTEMPTS_BEFORE_FALLBACK = 3;

/**
 * One call of a registered model: its size checked, in its turn by the model's limiter, sent once. When the model
 * cannot be reached (see `mayFallBack`) its fallbacks are asked in their order. Throws ModelError: the failure of the model itself, or
 * that of a fallback where it may pass or more money would help; and what `completeChat` and `Limiter.run` throw beside.
 */
export async function callModel({ attempt = 1, ...call }: ModelCall): Promise<ModelReply> {
  const { fallbacks = [], ...first } = call.card;
  let failure: unknown;
  for (const card of [first, ...fallbacks]) {
    try {
      return await callOne({ ...call, card });
    } catch (error) {
      if (failure === undefined || saysMore(error, failure)) failure = error;
      if (!mayFallBack(error, attempt)) break;
    }
  }
  throw failure;
}

async function callOne({
  store,
  registry,
  card,
  messages,
  allowance,
  promptTokens = mostTokens(messages),
  ...how
}: Omit<ModelCall, 'attempt'>): Promise<ModelReply> {
  const afforded = withinAllowance(await fitContext(card, messages), promptTokens, allowance);
  const endpoint = registry.endpoint(card.name);
  const loaded = await loadMessages(store, card, messages);
  const { items, ...reply } = await registry
    .limiter(card.name)
    .run(
      estimateTokens(promptChars(messages)),
      () => completeChat({ card: afforded, endpoint, messages: loaded, ...how }),
      how.signal,
    );
  const opaque = await keepOpaque(store, makerOf(card), items);
  return { ...reply, ...(opaque === undefined ? {} : { opaque }), by: card.name };
}

/** What no waiting helps: a wrong key, an unknown model, no quota; and an outage that goes on. Limits of rate are waited for: another model is asked for more money, or for worse answers, only when it must be. */
function mayFallBack(error: unknown, attempt: number): boolean {
  if (!(error instanceof ModelError)) return false;
  const { type, retryable } = error.failure;
  if (type === FailureType.modelUnauthorized || type === FailureType.modelNotFound) return true;
  if (type === FailureType.modelRateLimited) return !retryable;
  const isOutage = type === FailureType.modelUnavailable || type === FailureType.modelTimeout;
  return isOutage && attempt >= ATTEMPTS_BEFORE_FALLBACK;
}

/** Whether a fallback's failure leaves more hope than that of the model before it. */
function saysMore(error: unknown, before: unknown): boolean {
  return !isPassing(before) && (isPassing(error) || error instanceof AllowanceTooSmall);
}

function isPassing(error: unknown): boolean {
  return error instanceof ModelError && error.failure.retryable;
}
