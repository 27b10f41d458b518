import { z } from 'zod';
import {
  type AnswerCallInput,
  type AnswerCallResult,
  answerRecordKey,
  cachedAnswerKey,
  CallAnswer,
  CallRequest,
  Digest,
  FailureType,
  type ModelCard,
  NO_USAGE,
  type Usage,
} from '../protocol/index.ts';
import { getJson, getText, putJson, type Store } from '../store/index.ts';
import { callModel } from './call-model.ts';
import { findCall } from './journal-calls.ts';
import { ModelError } from './model-failure.ts';
import type { CallProgress, ChatReply } from './provider.ts';
import { recordOnce } from './recorded.ts';
import type { Registry } from './registry.ts';
import { mostTokens, withinAllowance } from './within-allowance.ts';

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
  const { key, journal, call, cache } = input;
  const { request } = await findCall(store, journal, call);
  const own = answerRecordKey(key, call, request);
  const shared = cache === 'run' ? cachedAnswerKey(key.workflowId, input.card.name, request) : null;
  const earlier = shared === null ? null : await findShared(store, shared);
  const isOthers = earlier !== null && earlier.asked !== own;
  if (isOthers) await store.records.create(own, earlier.answer);
  const { digest, value, repeated, usage } = await recordOnce(
    store,
    own,
    CallAnswer,
    usageOf,
    async () => await answered(deps, await getJson(store, request, CallRequest)),
    deps.signal,
  );
  // A failed call is asked again by the next one that is equal.
  if (shared !== null && earlier === null && value.status === 'ok') {
    const record = await putJson(store, { asked: own, answer: digest });
    await store.records.create(shared, record.digest);
  }
  // What was paid for another call's answer is counted there.
  return { status: value.status, usage: isOthers ? NO_USAGE : usage, repeated };
}

/** An answer that equal prompts of a run share, and the record of the call that paid for it. */
const SharedAnswer = z.object({ asked: z.string(), answer: Digest });

async function findShared(store: Store, key: string): Promise<z.infer<typeof SharedAnswer> | null> {
  const found = await store.records.find(key);
  return found === undefined ? null : await getJson(store, found, SharedAnswer);
}

async function answered(deps: AnswerDeps, request: CallRequest): Promise<CallAnswer> {
  const messages = [{ role: 'user' as const, content: await promptOf(deps.store, request) }];
  try {
    const { registry, signal, onProgress, input } = deps;
    const full = await cardFor(deps, request);
    const card = withinAllowance(full, mostTokens(messages), input.allowance);
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
