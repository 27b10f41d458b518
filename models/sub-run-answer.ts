import {
  answerRecordKey,
  CallAnswer,
  type FindAnswerInput,
  type FindAnswerResult,
  type RecordSubRunInput,
} from '../protocol/index.ts';
import { getJson, getText, putJson, type Store } from '../store/index.ts';
import { findCall } from './journal-calls.ts';

/** What was spent for the answer that a call has already, in an earlier execution of its run; null when it has none. */
export async function findSubRunAnswer(
  store: Store,
  { key, journal, call }: FindAnswerInput,
): Promise<FindAnswerResult> {
  const { request } = await findCall(store, journal, call);
  const record = await store.records.find(answerRecordKey(key, call, request));
  if (record === undefined) return { spend: null };
  const answer = await getJson(store, record, CallAnswer);
  if (answer.status === 'failed') return { spend: null };
  // Asked as a sub-call when the depth limit was lower: the answer stands.
  return { spend: answer.spend ?? { turns: 0, calls: 0, computeMs: 0, usage: answer.usage } };
}

/** Stores a sub-run's answer as that of its call. Runs twice without harm: the first record stays. */
export async function recordSubRunAnswer(
  store: Store,
  { key, journal, call, text, model, spend, reason = 'answered' }: RecordSubRunInput,
): Promise<void> {
  const { request } = await findCall(store, journal, call);
  const answer: CallAnswer = {
    status: 'ok',
    text: await getText(store, text),
    model,
    finishReason: reason === 'answered' ? 'stop' : `partial: ${reason}`,
    usage: spend.usage,
    spend,
  };
  const { digest } = await putJson(store, answer);
  await store.records.create(answerRecordKey(key, call, request), digest);
}
