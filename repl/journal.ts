import {
  answerRecordKey,
  CallAnswer,
  CallRequest,
  type Delivery,
  type Digest,
  type JournalCall,
  JournalLink,
  type StepKey,
  numbersOf,
} from '../protocol/index.ts';
import { getJson, getText, putJson, type Store } from '../store/index.ts';

/** Requests and answers moved to and from the store at the same time. */
const AT_ONCE = 16;

/** How far a cell has come. */
export interface JournalTotals {
  calls: number;
  /** Sizes of its rounds, the first 100. */
  rounds: number[];
}

/** An answer that a delivery names has no record in the store: the workflow said that it had. Retryable: a store may lag. */
export class AnswerMissing extends Error {
  override readonly name = 'AnswerMissing';
}

/** All links of a journal from the first to the newest: for a replay, which has to go through them. */
export async function readJournal(store: Store, newest: Digest): Promise<JournalLink[]> {
  const links: JournalLink[] = [];
  for (let at: Digest | null = newest; at !== null;) {
    const link: JournalLink = await getJson(store, at, JournalLink);
    links.push(link);
    at = link.previous;
  }
  return links.toReversed();
}

/** What the newest link of a waiting cell says of all before it, so that a cell of many rounds does not read them all at each. */
export async function readTotals(store: Store, newest: Digest): Promise<JournalTotals> {
  const link = await getJson(store, newest, JournalLink);
  if (link.kind === 'round' && link.callsSoFar !== undefined && link.rounds !== undefined) {
    return { calls: link.callsSoFar, rounds: link.rounds };
  }
  // Written by an earlier version.
  const sizes = (await readJournal(store, newest)).flatMap((each) =>
    each.kind === 'round' ? [each.calls.length] : [],
  );
  return { calls: sizes.reduce((sum, size) => sum + size, 0), rounds: sizes.slice(0, 100) };
}

/** The calls of those numbers. Reads back only as far as it must: most answers are to calls of the newest round. */
export async function callsOf(
  store: Store,
  newest: Digest,
  numbers: readonly number[],
): Promise<Map<number, JournalCall>> {
  const wanted = new Set(numbers);
  const found = new Map<number, JournalCall>();
  for (let at: Digest | null = newest; at !== null && found.size < wanted.size;) {
    const link: JournalLink = await getJson(store, at, JournalLink);
    if (link.kind === 'round') {
      for (const call of link.calls) if (wanted.has(call.number)) found.set(call.number, call);
    }
    at = link.previous;
  }
  return found;
}

/** One answer that is handed in: its call and the blob of its CallAnswer. */
export interface DeliveredAnswer {
  call: number;
  answer: Digest;
}

/**
 * Settles a delivery to answer blobs, in call order. Answers of models are found by record; those that the workflow made
 * itself (failed calls, sub-runs) become blobs here, so that a replay needs nothing but the journal.
 */
export async function settleDelivery(
  store: Store,
  key: StepKey,
  newest: Digest,
  delivery: Delivery,
): Promise<DeliveredAnswer[]> {
  const recorded = [...numbersOf(delivery.recorded)];
  const made = await callsOf(store, newest, recorded);
  const answers = await inParallel(recorded, async (call) => {
    const request = made.get(call)?.request;
    if (request === undefined) throw new AnswerMissing(`call ${call} is not in the journal`);
    const record = answerRecordKey(key, call, request);
    const answer = await store.records.find(record);
    if (answer === undefined) throw new AnswerMissing(`no record ${record} in ${store.describe()}`);
    return { call, answer };
  });
  for (const { calls, type, message } of delivery.failed) {
    const { digest } = await putJson(store, {
      status: 'failed',
      type,
      message,
    } satisfies CallAnswer);
    for (const call of numbersOf(calls)) answers.push({ call, answer: digest });
  }
  for (const { call, text, model, usage } of delivery.subRuns) {
    const { digest } = await putJson(store, {
      status: 'ok',
      text: await getText(store, text),
      model,
      finishReason: 'stop',
      usage,
    } satisfies CallAnswer);
    answers.push({ call, answer: digest });
  }
  return answers.toSorted((a, b) => a.call - b.call);
}

/** What the kernel is given for a list of answers: metadata, and the texts as attachments in the same order. */
export async function loadAnswers(
  store: Store,
  answers: readonly DeliveredAnswer[],
): Promise<{ answers: unknown[]; texts: Buffer[] }> {
  const loaded = await inParallel(answers, ({ answer }) => getJson(store, answer, CallAnswer));
  const texts: Buffer[] = [];
  const told = loaded.map((answer, i) => {
    const call = answers[i]?.call;
    const failed = answer.status === 'failed';
    const text =
      texts.push(Buffer.from((failed ? answer.message : answer.text).toWellFormed())) - 1;
    if (failed) return { call, text, status: answer.status, type: answer.type };
    const { status, model, finishReason, usage, format } = answer;
    return { call, text, status, model, finishReason, usage, ...(format && { format }) };
  });
  return { answers: told, texts };
}

/** Stores the requests of new calls. Returns how the journal names them. */
export function storeRequests(
  store: Store,
  requests: ReadonlyArray<{ number: number; request: CallRequest; preview: string }>,
): Promise<JournalCall[]> {
  return inParallel(requests, async ({ number, request, preview }) => {
    const { digest } = await putJson(store, CallRequest.parse(request));
    return { number, kind: request.kind, request: digest, preview };
  });
}

export async function appendLink(store: Store, link: JournalLink): Promise<Digest> {
  const { digest } = await putJson(store, link);
  return digest;
}

/** In order, a bounded number at once. */
export async function inParallel<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = Array.from({ length: items.length });
  // One iterator shared by all: each item is taken once.
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [at, item] of queue) results[at] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  return results;
}
