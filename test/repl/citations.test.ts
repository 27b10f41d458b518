import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Citations } from '../../protocol/index.ts';
import type { Repl } from '../../repl/index.ts';
import { getJson } from '../../store/index.ts';
import { memoryStore, openTestRepl, Session } from './support/session.ts';

// Scope: how answer["citations"] comes out of a kernel. What becomes of it is in test/documents and test/workflows.

const store = memoryStore();
let repl: Repl;

beforeAll(async () => {
  repl = await openTestRepl(store);
});
afterAll(() => repl.dispose());

async function cited(code: string): Promise<Citations | null> {
  const { answer, error } = await new Session(repl, store).run(code);
  expect(error).toBeNull();
  return answer.citations === undefined ? null : getJson(store, answer.citations.digest, Citations);
}

test('citations come with the answer of a cell: what quote() gives, and dicts', async () => {
  const found = await cited(`
from rlm import Document
doc = Document.make("Fees are due.\\nNothing else is.", "c.pdf")
FINAL("They are.")
answer["citations"] = [quote(doc, "Nothing else"), {"input": "c.pdf", "quote": "Fees \\ud800"}]`);
  expect(found).toEqual({
    citations: [
      { input: 'c.pdf', quote: 'Nothing else', start: 14, end: 26, part: null },
      { input: 'c.pdf', quote: 'Fees \ufffd', start: null, end: null, part: null },
    ],
    omitted: 0,
  });
});

test('an answer without citations has none', async () => {
  expect(await cited('answer["content"] = "x"')).toBeNull();
  expect(await cited('answer["citations"] = []')).toBeNull();
});

test('citations that are none do not harm the cell, and are told', async () => {
  const found = await cited(`
class Bad(dict):
    def get(self, *a): 1/0
    keys = get
answer["citations"] = [Bad(), 17, Bad]`);
  expect(found?.citations.map(({ problem }) => problem)).toEqual([
    expect.any(String),
    '17',
    expect.any(String),
  ]);
});

test('the most that a session tells fits into what the engine takes', async () => {
  const found = await cited(
    `answer["citations"] = [{"input": "😀" * 9000, "quote": "😀" * 30000}] * 40`,
  );
  expect([found?.citations.length, found?.omitted]).toEqual([40, 0]);
});
