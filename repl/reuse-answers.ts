import {
  answerRecordKey,
  CallAnswer,
  type CallRanges,
  type Digest,
  type ReuseAnswersInput,
  toRanges,
} from '../protocol/index.ts';
import { getJson, type Store } from '../store/index.ts';
import { inParallel, readJournal } from './journal.ts';

/** Ranges that fit into a payload. Calls beyond them find their records all the same. */
const MAX_RANGES = 3000;

/**
 * Gives the calls of a cell's newest round the answers that equal calls had when the cell ran before: the n-th call with
 * a request gets the answer of the n-th one then. Returns those that have one now. Runs twice without harm: the first record stays.
 */
export async function reuseAnswers(
  store: Store,
  { key, journal, earlier }: ReuseAnswersInput,
): Promise<CallRanges> {
  const { calls: before, delivered } = await callsBy(store, earlier.journal);
  const { calls: now, newest } = await callsBy(store, journal);
  const wanted = [...newest].flatMap(([call, request]) => {
    const nth = now.get(request)?.indexOf(call) ?? -1;
    const earlierCall = before.get(request)?.[nth];
    return earlierCall === undefined ? [] : [{ call, earlierCall, request }];
  });
  const earlierKey = { ...key, cellAttempt: earlier.cellAttempt };
  const given = await inParallel(wanted, async ({ call, earlierCall, request }) => {
    const record = await store.records.find(answerRecordKey(earlierKey, earlierCall, request));
    const answer = record ?? (await answered(store, delivered.get(earlierCall)));
    if (answer === undefined) return [];
    await store.records.create(answerRecordKey(key, call, request), answer);
    return [call];
  });
  return toRanges(given.flat().toSorted((a, b) => a - b)).slice(0, MAX_RANGES);
}

/** What the workflow answered itself (a person, for instance) is in the journal only. What failed there is tried again. */
async function answered(store: Store, answer: Digest | undefined): Promise<Digest | undefined> {
  if (answer === undefined) return undefined;
  const { status } = await getJson(store, answer, CallAnswer);
  return status === 'ok' ? answer : undefined;
}

/** Call numbers by request, in order; the calls of the newest round; and the answers that were handed in. */
async function callsBy(
  store: Store,
  journal: Digest,
): Promise<{
  calls: Map<Digest, number[]>;
  newest: Map<number, Digest>;
  delivered: Map<number, Digest>;
}> {
  const calls = new Map<Digest, number[]>();
  const delivered = new Map<number, Digest>();
  let newest = new Map<number, Digest>();
  for (const link of await readJournal(store, journal)) {
    if (link.kind === 'delivery') {
      for (const { call, answer } of link.answers) delivered.set(call, answer);
      continue;
    }
    newest = new Map(link.calls.map(({ number, request }) => [number, request]));
    for (const { number, request } of link.calls) {
      const numbers = calls.get(request);
      if (numbers === undefined) calls.set(request, [number]);
      else numbers.push(number);
    }
  }
  return { calls, newest, delivered };
}
