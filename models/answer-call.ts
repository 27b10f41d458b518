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
  sharedAnswerKey,
  type Usage,
} from '../protocol/index.ts';
import { BlobMissing, getJson, putJson, type Store } from '../store/index.ts';
import { askForAnswer } from './ask-for-answer.ts';
import { findCall } from './journal-calls.ts';
import { ModelError } from './model-failure.ts';
import type { CallProgress } from './provider.ts';
import { nothingBeside, recordOnce } from './recorded.ts';
import type { Registry } from './registry.ts';

export interface AnswerDeps {
  readonly store: Store;
  readonly registry: Registry;
  readonly input: AnswerCallInput;
  /** Of the activity; counts from 1. */
  readonly attempt?: number;
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
  const { key, journal, call } = input;
  const { request } = await findCall(store, journal, call);
  const own = answerRecordKey(key, call, request);
  const shared = await sharedKey(deps, request);
  const earlier = shared === null ? null : await findShared(store, shared);
  const isOthers = earlier !== null && earlier.asked !== own;
  if (isOthers) await store.records.create(own, earlier.answer);
  const { digest, value, repeated, usage } = await recordOnce(
    store,
    own,
    CallAnswer,
    usageOf,
    async () => await answered(deps, await getJson(store, request, CallRequest)),
    { signal: deps.signal, storeBeside: nothingBeside },
  );
  // A failed call is asked again by the next one that is equal, and so is one that another model answered.
  const isGood = value.status === 'ok' && value.fallback === undefined;
  if (shared !== null && earlier === null && isGood) {
    const record = await putJson(store, { asked: own, answer: digest });
    await store.records.create(shared, record.digest);
  }
  // What was paid for another call's answer is counted there.
  const fallback = value.status === 'ok' ? value.fallback : undefined;
  return {
    status: value.status,
    usage: isOthers ? NO_USAGE : usage,
    repeated,
    ...(fallback === undefined ? {} : { fallback }),
  };
}

/** An answer that equal calls share, and the record of the call that paid for it. */
const SharedAnswer = z.object({ asked: z.string(), answer: Digest });

/** The record that this call shares with equal ones; null when each is a sample of its own. */
async function sharedKey(
  { store, registry, input }: AnswerDeps,
  request: Digest,
): Promise<string | null> {
  const { key, card, cache } = input;
  if (cache === 'run') return cachedAnswerKey(key.workflowId, card.name, request);
  if (cache !== 'shared') return null;
  const { model } = await getJson(store, request, CallRequest);
  const name = model ?? card.name;
  return registry.names.includes(name) ? sharedAnswerKey(registry.identity(name), request) : null;
}

async function findShared(store: Store, key: string): Promise<z.infer<typeof SharedAnswer> | null> {
  const found = await store.records.find(key);
  if (found === undefined) return null;
  try {
    const shared = await getJson(store, found, SharedAnswer);
    // The run that paid for it may have been forgotten since: from now on this one keeps it too.
    await store.blobs.touch(shared.answer);
    return shared;
  } catch (error) {
    if (error instanceof BlobMissing) return null;
    throw error;
  }
}

async function answered(deps: AnswerDeps, request: CallRequest): Promise<CallAnswer> {
  const { store, registry, input, attempt, signal, onProgress } = deps;
  try {
    const card = await cardFor(deps, request);
    const { answer, by } = await askForAnswer(
      { store, registry, card, allowance: input.allowance, attempt, signal, onProgress },
      request,
    );
    return answer.status === 'ok' && by !== card.name ? { ...answer, fallback: by } : answer;
  } catch (error) {
    if (error instanceof ModelError && concernsThisCall(error)) {
      const { type, message } = error.failure;
      return { status: 'failed', type, message };
    }
    throw error;
  }
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

function usageOf(answer: CallAnswer): Usage {
  return answer.usage ?? NO_USAGE;
}
