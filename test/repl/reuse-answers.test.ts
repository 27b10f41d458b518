import { describe, expect, test } from '@jest/globals';
import {
  answerRecordKey,
  type CallAnswer,
  type Digest,
  type JournalLink,
  NO_USAGE,
  type StepKey,
} from '../../protocol/index.ts';
import { reuseAnswers } from '../../repl/index.ts';
import { memoryStore, putJson } from '../../store/index.ts';

const KEY: StepKey = { workflowId: 'run', cell: '1.1', cellAttempt: 2 };
const BEFORE: StepKey = { ...KEY, cellAttempt: 1 };
const store = memoryStore();

function request(text: string): Digest {
  return `sha256:${Buffer.from(text).toString('hex').padEnd(64, '0')}`;
}

async function round(
  previous: Digest | null,
  first: number,
  ...prompts: string[]
): Promise<Digest> {
  const calls = prompts.map((prompt, i) => ({
    number: first + i,
    kind: 'llm' as const,
    request: request(prompt),
    preview: prompt,
  }));
  return (await putJson(store, { kind: 'round', previous, calls } satisfies JournalLink)).digest;
}

async function answer(text: string, failed = false): Promise<Digest> {
  const ok = { text, model: 'test', finishReason: 'stop', usage: NO_USAGE };
  const value: CallAnswer = failed
    ? { status: 'failed', type: 'Model.Unavailable', message: text }
    : { status: 'ok', ...ok };
  return (await putJson(store, value)).digest;
}

async function delivery(previous: Digest, ...answers: [number, Digest][]): Promise<Digest> {
  const handed = answers.map(([call, blob]) => ({ call, answer: blob }));
  const link: JournalLink = { kind: 'delivery', previous, clockMs: 0, answers: handed };
  return (await putJson(store, link)).digest;
}

const found = (key: StepKey, call: number, prompt: string): Promise<Digest | undefined> =>
  store.records.find(answerRecordKey(key, call, request(prompt)));

describe('a cell that is run afresh', () => {
  test('gets the recorded answers of equal requests, whatever their numbers were', async () => {
    const before = await round(null, 1, 'a', 'b', 'c');
    for (const [call, prompt] of ['a', 'b', 'c'].entries()) {
      const key = answerRecordKey(BEFORE, call + 1, request(prompt));
      await store.records.create(key, await answer(`re ${prompt}`));
    }
    const now = await round(null, 1, 'new', 'b', 'c', 'a', 'b');
    const earlier = { cellAttempt: 1, journal: before };
    const input = { key: KEY, journal: now, earlier };
    expect(await reuseAnswers(store, input)).toEqual([[2, 4]]);
    expect(await found(KEY, 4, 'a')).toBe(await answer('re a'));
    expect(await found(KEY, 2, 'b')).toBe(await answer('re b'));
    // Asked once before, twice now: the second is a sample of its own.
    expect(await found(KEY, 5, 'b')).toBeUndefined();
    expect(await found(KEY, 1, 'new')).toBeUndefined();
    expect(await reuseAnswers(store, input)).toEqual([[2, 4]]);
  });

  test('gives equal requests their answers in the order in which they were asked, through all rounds', async () => {
    const key = { ...KEY, workflowId: 'samples' };
    const earlierKey = { ...key, cellAttempt: 1 };
    const one = await round(null, 1, 'vote', 'vote');
    const before = await round(await delivery(one, [1, await answer('x')]), 3, 'vote');
    for (const call of [1, 2, 3]) {
      const record = answerRecordKey(earlierKey, call, request('vote'));
      await store.records.create(record, await answer(`vote ${call}`));
    }
    const first = await round(null, 1, 'vote');
    const earlier = { cellAttempt: 1, journal: before };
    await reuseAnswers(store, { key, journal: first, earlier });
    const second = await round(await delivery(first, [1, await answer('x')]), 2, 'vote', 'vote');
    expect(await reuseAnswers(store, { key, journal: second, earlier })).toEqual([[2, 3]]);
    expect(await found(key, 1, 'vote')).toBe(await answer('vote 1'));
    expect(await found(key, 3, 'vote')).toBe(await answer('vote 3'));
  });

  test('gets what a person had said, which the journal alone holds, and asks again what had failed', async () => {
    const key = { ...KEY, workflowId: 'delivered' };
    const asked = await round(null, 1, 'person', 'outage');
    const before = await round(
      await delivery(asked, [1, await answer('yes')], [2, await answer('down', true)]),
      3,
      'more',
    );
    const now = await round(null, 1, 'person', 'outage');
    const earlier = { cellAttempt: 1, journal: before };
    expect(await reuseAnswers(store, { key, journal: now, earlier })).toEqual([[1, 1]]);
    expect(await found(key, 1, 'person')).toBe(await answer('yes'));
    expect(await found(key, 2, 'outage')).toBeUndefined();
  });
});
