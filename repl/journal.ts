import {
  answerRecordKey,
  CallAnswer,
  CallRequest,
  type CallRanges,
  type Delivery,
  type Digest,
  type JournalCall,
  JournalLink,
  type StepKey,
} from '../protocol/index.ts';
import { getJson, getText, putJson, type Store } from '../store/index.ts';

/** Requests and answers moved to and from the store at the same time. */
const AT_ONCE = 16;

/** The journal of a waiting cell, read from its newest link back to the cell's start. */
export interface Journal {
  /** From the first to the newest. */
  links: JournalLink[];
  /** Every call of the cell by its number. */
  calls: Map<number, JournalCall>;
}

/** An answer that a delivery names has no record in the store: the workflow said that it had. Retryable: a store may lag. */
export class AnswerMissing extends Error {
  override readonly name = 'AnswerMissing';
}

export async function readJournal(store: Store, newest: Digest | null): Promise<Journal> {
  const links: JournalLink[] = [];
  for (let at = newest; at !== null;) {
    const link: JournalLink = await getJson(store, at, JournalLink);
    links.push(link);
    at = link.previous;
  }
  links.reverse();
  const calls = new Map<number, JournalCall>();
  for (const link of links) {
    if (link.kind === 'round') for (const call of link.calls) calls.set(call.number, call);
  }
  return { links, calls };
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
  journal: Journal,
  delivery: Delivery,
): Promise<DeliveredAnswer[]> {
  const answers = await inParallel([...numbersOf(delivery.recorded)], async (call) => {
    const request = journal.calls.get(call)?.request;
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
    const { status, model, finishReason, usage } = answer;
    return { call, text, status, model, finishReason, usage };
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

function* numbersOf(ranges: CallRanges): Generator<number> {
  for (const [first, last] of ranges) for (let call = first; call <= last; call++) yield call;
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
