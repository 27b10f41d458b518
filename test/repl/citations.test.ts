import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { checkCitations } from '../../documents/index.ts';
import { CitationReport, Citations } from '../../protocol/index.ts';
import type { Repl } from '../../repl/index.ts';
import { getJson, putJson, putText } from '../../store/index.ts';
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

test('the engine finds the words that quote() finds, where it finds them', async () => {
  const run = await new Session(repl, store).run(`
import json
marks = "\\"“”„‟«»″'’‘‚‛′\`´-‐‑‒–—−…_"
spaces = [" ", "  ", "\\n", "\\t", "\\x0b", "\\x1c", "\\x85", "\\xa0", "\\u2003", "\\u2028", "\\u3000", "\\u200b", ""]
pairs = [(f"語 x{a}y z", f"x{b}y z") for a in marks for b in marks]
pairs += [(f"語 x{a}y z", f"x{b}y  z ") for a in spaces for b in spaces]
pairs += [("a x a x y", "a x  y"), ("A b", "a b"), ("ab", "a b"), ("a b c", "a c"), ("a (b) [c]* $", "(b)\\n[c]* $")]
found = [(q.start, q.end) if (q := quote(t, p)) is not None else None for t, p in pairs]
print(json.dumps([[t, p, f] for (t, p), f in zip(pairs, found)]))`);
  expect(run.error).toBeNull();
  const told = z
    .array(z.tuple([z.string(), z.string(), z.tuple([z.int(), z.int()]).nullable()]))
    .parse(JSON.parse(run.stdout));
  expect(told.length).toBeGreaterThan(600);
  const differ: unknown[] = [];
  for (const [text, quote, span] of told) {
    const { digest, sizeBytes, chars } = await putText(store, text);
    const entry = { path: ['t'], format: 'text', blob: { digest, sizeBytes }, chars };
    const nothing = { input: 't', start: null, end: null, part: null };
    const list = { citations: [{ ...nothing, quote }], omitted: 0 };
    const citations = await putText(store, JSON.stringify(list));
    const manifest = await putJson(store, { entries: [entry] });
    const check = await checkCitations(store, { citations, manifests: [manifest.digest] });
    const [checked] = (await getJson(store, check.report, CitationReport)).citations;
    const place = checked?.verified ? [checked.start, checked.end] : null;
    if (JSON.stringify(place) !== JSON.stringify(span)) differ.push({ text, quote, span, place });
  }
  expect(differ).toEqual([]);
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
