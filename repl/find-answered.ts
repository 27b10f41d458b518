import {
  answerRecordKey,
  type CallRanges,
  type FindAnsweredInput,
  numbersOf,
  toRanges,
} from '../protocol/index.ts';
import type { Store } from '../store/index.ts';
import { callsOf, inParallel } from './journal.ts';

/** Those of the calls whose answers are records. A call that is not in the journal has none. */
export async function findAnswered(
  store: Store,
  { key, journal, calls }: FindAnsweredInput,
): Promise<CallRanges> {
  const numbers = [...numbersOf(calls)];
  const made = await callsOf(store, journal, numbers);
  const answered = await inParallel(numbers, async (call) => {
    const request = made.get(call)?.request;
    if (request === undefined) return false;
    return (await store.records.find(answerRecordKey(key, call, request))) !== undefined;
  });
  return toRanges(numbers.filter((_, at) => answered[at]));
}
