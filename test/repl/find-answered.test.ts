import { expect, test } from '@jest/globals';
import { answerRecordKey, type JournalLink, NO_USAGE, type StepKey } from '../../protocol/index.ts';
import { findAnswered } from '../../repl/index.ts';
import { memoryStore, putJson } from '../../store/index.ts';

const KEY: StepKey = { workflowId: 'run', cell: '1.1', cellAttempt: 1 };
const store = memoryStore();

function request(call: number): string {
  return `sha256:${String(call).padStart(64, '0')}`;
}

async function round(previous: string | null, first: number, count: number): Promise<string> {
  const calls = Array.from({ length: count }, (_, i) => ({
    number: first + i,
    kind: 'llm' as const,
    request: request(first + i),
    preview: '',
  }));
  return (await putJson(store, { kind: 'round', previous, calls } satisfies JournalLink)).digest;
}

test('finds the calls that have a record of this very cell, attempt and request, of those it is asked about', async () => {
  const answer = { status: 'ok', text: 're', model: 'm', finishReason: 'stop', usage: NO_USAGE };
  const { digest } = await putJson(store, answer);
  const record = (key: StepKey, call: number, of = call): Promise<unknown> =>
    store.records.create(answerRecordKey(key, call, request(of)), digest);
  const journal = await round(await round(null, 1, 4), 5, 8);
  for (const call of [3, 4, 5, 6, 9, 12]) await record(KEY, call);
  await record({ ...KEY, cellAttempt: 2 }, 7);
  await record({ ...KEY, cell: '2.1' }, 8);
  await record(KEY, 10, 11);
  const input = { key: KEY, journal };
  const calls: [number, number][] = [
    [1, 3],
    [5, 11],
    // None is in the journal.
    [20, 21],
  ];
  expect(await findAnswered(store, { ...input, calls })).toEqual([
    [3, 3],
    [5, 6],
    [9, 9],
  ]);
  expect(await findAnswered(store, { ...input, calls: [] })).toEqual([]);
});
