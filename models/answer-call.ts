import {
  type AnswerCallInput,
  type AnswerCallResult,
  answerRecordKey,
  CallAnswer,
  CallRequest,
  FailureType,
  type ModelCard,
  NO_USAGE,
  type Usage,
} from '../protocol/index.ts';
import { getJson, getText, type Store } from '../store/index.ts';
import { callModel } from './call-model.ts';
import { findCall } from './journal-calls.ts';
import { ModelError } from './model-failure.ts';
import type { CallProgress, ChatReply } from './provider.ts';
import { recordOnce } from './recorded.ts';
import type { Registry } from './registry.ts';

export interface AnswerDeps {
  readonly store: Store;
  readonly registry: Registry;
  readonly input: AnswerCallInput;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CallProgress) => void;
}

/**
 * Answers one call of a waiting cell and records the answer under the call and its request before it
 * resolves: an attempt that runs again finds it and sends nothing. What is wrong with this one call (rejected
 * by the provider, too long, an unknown model name, nothing but a refusal) is an answer of status
 * `failed`, stored like any other. What concerns every call (key, address, limits of rate, outages) throws ModelError.
 */
export async function answerOne(deps: AnswerDeps): Promise<AnswerCallResult> {
  const { store, input } = deps;
  const call = await findCall(store, input.journal, input.call);
  const { value, repeated, usage } = await recordOnce(
    store,
    answerRecordKey(input.key, input.call, call.request),
    CallAnswer,
    usageOf,
    async () => await answered(deps, await getJson(store, call.request, CallRequest)),
  );
  return { status: value.status, usage, repeated };
}

async function answered(deps: AnswerDeps, request: CallRequest): Promise<CallAnswer> {
  const messages = [{ role: 'user' as const, content: await promptOf(deps.store, request) }];
  try {
    const card = await cardFor(deps, request);
    const { registry, signal, onProgress } = deps;
    return answerOf(await callModel({ registry, card, messages, signal, onProgress }), card);
  } catch (error) {
    if (error instanceof ModelError && concernsThisCall(error)) {
      const { type, message } = error.failure;
      return { status: 'failed', type, message };
    }
    throw error;
  }
}

/** A sub-run that comes here (the depth limit is reached) is asked as a sub-call: its context goes with the prompt. */
async function promptOf(store: Store, { prompt, context }: CallRequest): Promise<string> {
  if (context === null) return prompt;
  return `${prompt}\n\n<context>\n${await getText(store, context.blob)}\n</context>`;
}

/** The run's sub-model, unless the call names another one. */
async function cardFor({ registry, input }: AnswerDeps, request: CallRequest): Promise<ModelCard> {
  if (request.model === null || request.model === input.card.name) return input.card;
  return await registry.card(request.model, 'sub', input.card);
}

function concernsThisCall({ failure }: ModelError): boolean {
  return (
    !failure.retryable &&
    (failure.type === FailureType.modelRejected || failure.type === FailureType.invalidInput)
  );
}

/** A reply without an answer in it was paid for, but must not be taken for one. */
function answerOf(reply: ChatReply, card: ModelCard): CallAnswer {
  const { text, finishReason, usage, model, reasoning } = reply;
  const rejected = (message: string): CallAnswer => ({
    status: 'failed',
    type: FailureType.modelRejected,
    message,
    usage,
  });
  if (finishReason === 'content_filter') {
    return rejected(`The provider's content filter stopped the answer of ${model}.`);
  }
  if (finishReason === 'refusal') return rejected(`${model} refused: ${text.slice(0, 300)}`);
  if (text.trim() === '') {
    return rejected(
      finishReason === 'length'
        ? `${model} used all of its ${card.maxOutputTokens} output tokens without an answer: ask for less at once.`
        : `${model} gave an empty answer.`,
    );
  }
  return { status: 'ok', text, model, finishReason, usage, reasoning };
}

function usageOf(answer: CallAnswer): Usage {
  return answer.usage ?? NO_USAGE;
}
