import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Repl } from '../../repl/index.ts';
import { memoryStore, openTestRepl, Session } from './support/session.ts';

const store = memoryStore();
let repl: Repl;
let session: Session;

beforeAll(async () => {
  repl = await openTestRepl(store);
  session = new Session(repl, store);
});
afterAll(() => repl.dispose());

describe('replies', () => {
  test('a failed call of a batch does not fail the batch, and is no answer', async () => {
    const ran = await session.run(
      'rs = llm_query_batched(["a", "bad", "c"])\n[(ok(r), r.error, str(r)) for r in rs]',
      { answer: (prompt) => (prompt === 'bad' ? { failed: 'content filter' } : `re ${prompt}`) },
    );
    expect(ran.value).toBe(
      "[(True, None, 're a'), (False, 'Model.Rejected: content filter', '[sub-call failed, this is no answer. Model.Rejected: content filter]'), (True, None, 're c')]",
    );
  });

  test('carry usage, finish reason, model and parsed data, also in the next cell', async () => {
    await session.run('r = llm_query("a")', { answer: () => '```json\n{"n": [1]}\n```' });
    expect(
      (await session.run('r.data, r.finish_reason, r.model, r.usage["costUsd"], type(r).__name__'))
        .value,
    ).toBe("({'n': [1]}, 'stop', 'test', 0, 'Reply')");
    expect(
      (
        await session.run(
          'import pickle, copy\np = pickle.loads(pickle.dumps(r)); p == r, p.model, copy.copy(r).model',
        )
      ).value,
    ).toBe("(True, 'test', 'test')");
  });

  test.each([
    [
      'llm_query(["a"])',
      'TypeError',
      'llm_query() takes one prompt (a str); for several prompts use llm_query_batched([...])',
    ],
    ['llm_query(5)', 'TypeError', 'llm_query() takes a prompt of type str, not int'],
    ['llm_query("")', 'ValueError', 'llm_query() was given an empty prompt'],
    [
      'llm_query_batched("abc")',
      'TypeError',
      'llm_query_batched() takes a list of prompts; for one prompt use llm_query(prompt)',
    ],
    [
      'rlm_query("a", context=object())',
      'TypeError',
      'context must be a str or data that json can hold: Object of type object is not JSON serializable',
    ],
    [
      'rlm_query_batched(["a"], [1, 2])',
      'ValueError',
      'rlm_query_batched() was given 1 prompts and 2 contexts',
    ],
  ])('%s is refused before anything is sent', async (code, type, message) => {
    expect((await session.run(code)).error).toMatchObject({ type, message });
  });

  test('more calls at once than the limit are refused by a Python error', async () => {
    const { error } = await session.run('llm_query_batched(["x"] * 11)', {
      limits: { pendingCalls: 10 },
    });
    expect(error).toMatchObject({
      type: 'RuntimeError',
      message: 'too many calls wait at the same time: at most 10; ask in smaller batches',
    });
  });

  test.each(['llm_query_batched(["x"] * 11)', 'rlm_query_batched(["x"] * 11)'])(
    '%s, refused for the limit, leaves no call behind',
    async (tooMany) => {
      const { waiting } = await session.wait(
        `try:\n    ${tooMany}\nexcept RuntimeError:\n    pass\nllm_query_batched(["a", "b", "c"])`,
        { limits: { pendingCalls: 10 } },
      );
      expect([waiting.callCount, waiting.subRuns]).toEqual([3, []]);
    },
  );

  test('a sub-run travels with its context', async () => {
    const { waiting } = await session.wait('rlm_query_batched(["p", "q"], ["täxt", {"a": 1}])');
    expect(waiting.previews).toEqual(['', '']);
    expect(
      waiting.subRuns.map(({ call, prompt, context }) => [
        call,
        prompt.head,
        context?.format,
        context?.sizeBytes,
        context?.chars,
      ]),
    ).toEqual([
      [1, 'p', 'text', 5, 4],
      [2, 'q', 'json', 8, 8],
    ]);
  });
});
