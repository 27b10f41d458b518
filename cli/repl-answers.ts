import {
  answerRecordKey,
  type CallAnswer,
  CallRequest,
  type Delivery,
  type Digest,
  type JournalCall,
  NO_USAGE,
  type StepKey,
} from '../protocol/index.ts';
import { getJson, putJson, type Store } from '../store/index.ts';
import { modelEnvironment } from './model-environment.ts';

/** A stop of a cell: its calls wait for answers. */
export interface Stop {
  store: Store;
  key: StepKey;
  journal: Digest;
  calls: readonly JournalCall[];
  signal: AbortSignal | undefined;
}

/** Answers the calls of a prompt's cells. Answers are recorded in the store before `answer` resolves. */
export interface Answerer {
  /** What answers, for people. */
  readonly about: string;
  /** What the delivery of this stop says of its calls. */
  answer(stop: Stop): Promise<Pick<Delivery, 'recorded' | 'failed'>>;
}

/** Characters of a prompt that an echo gives back. */
const ECHO_CHARS = 200;
/** Calls that are answered at the same time. */
const AT_ONCE = 32;
/** Attempts at one model call before Python is told that it failed. */
const ATTEMPTS = 3;
const RETRY_MS = 2000;

/** Answers each call with the first 200 characters of its own prompt. */
export const echoAnswers: Answerer = {
  about: 'llm_query gives back the first 200 characters of its prompt (no model is asked)',
  async answer({ store, key, calls }) {
    await inParallel(calls, async ({ number, request }) => {
      const { prompt } = await getJson(store, request, CallRequest);
      const { digest } = await putJson(store, echoOf(prompt));
      await store.records.create(answerRecordKey(key, number, request), digest);
    });
    return { recorded: calls.map(({ number }) => [number, number]), failed: [] };
  },
};

function echoOf(prompt: string): CallAnswer {
  // Two UTF-16 units a character at most.
  const text = Array.from(prompt.slice(0, 2 * ECHO_CHARS))
    .slice(0, ECHO_CHARS)
    .join('');
  return { status: 'ok', text, model: 'echo', finishReason: 'stop', usage: NO_USAGE };
}

/** Asks the sub-model of the environment; a sub-run is asked like a sub-call, since there is no workflow to run it. Throws ModelError for a wrong configuration. */
export async function modelAnswers(): Promise<Answerer> {
  const { answerOne, loadRegistry } = await import('../models/index.ts');
  const registry = loadRegistry(modelEnvironment());
  const card = await registry.card(null, 'sub', { taskQueue: 'none' });
  return {
    about: `llm_query asks ${card.name}; rlm_query asks it too, without a REPL of its own`,
    async answer({ store, key, journal, calls, signal }) {
      const recorded: Delivery['recorded'] = [];
      const failed: Delivery['failed'] = [];
      await inParallel(calls, async ({ number: call, kind }) => {
        if (kind === 'human') {
          failed.push({ calls: [[call, call]], ...NOBODY });
          return;
        }
        const input = { key, journal, call, card };
        const problem = await tryAgain(signal, () =>
          answerOne({ store, registry, input, ...(signal && { signal }) }),
        );
        if (problem === null) recorded.push([call, call]);
        else failed.push({ calls: [[call, call]], ...problem });
      });
      return { recorded: recorded.toSorted(([a], [b]) => a - b), failed };
    },
  };
}

const NOBODY = {
  type: 'Human.Absent',
  message: 'nobody answers questions in rlm repl; a run waits for "rlm answer"',
};

/** Null when it succeeded, else what Python is told. Rethrows what is not the model's doing. */
async function tryAgain(
  signal: AbortSignal | undefined,
  call: () => Promise<unknown>,
): Promise<{ type: string; message: string } | null> {
  const { ModelError } = await import('../models/index.ts');
  for (let attempt = 1; ; attempt += 1) {
    try {
      await call();
      return null;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof ModelError)) throw error;
      const { type, retryable, message, nextRetryDelayMs } = error.failure;
      if (!retryable || attempt === ATTEMPTS) return { type, message: message.slice(0, 500) };
      await pause(nextRetryDelayMs ?? RETRY_MS * attempt, signal);
    }
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { setTimeout: wait } = await import('node:timers/promises');
  await wait(ms, undefined, signal && { signal });
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  // One iterator shared by all: each item is taken once.
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
}
