import { afterAll, beforeAll, expect, test } from '@jest/globals';
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

test('search, quotes and chunks of a session are those that plain Python tests', async () => {
  const ran = await session.run(
    `from rlm import Document
doc = Document.make("# Fees\\nTen EUR.\\f# Term\\nOne “year”.", "c.pdf", [(0, 16), (16, 35)], {"author": "x"})
hit = search_text({"a": doc}, "YEAR")[0]
q = quote([doc], 'One "year".')
(hit, hit.page, hit.heading, search_all([doc, "no"], "eur"), q, q.page, [c.page for c in chunk_text(doc, size=20, by="page")], doc.page(2).strip())`,
  );
  expect(ran.error).toBeNull();
  expect(ran.value).toBe(
    String.raw`(<Passage 'a', page 2, 'Term', 16-34, 1 match: '# Term\nOne “year”.'>, 2, 'Term', 1 document
c.pdf: 1 passage
[0] c.pdf · page 1 · Fees · 0-16 · 1 match
    # Fees Ten EUR., <Passage 'c.pdf', page 2, 'Term', 23-34, 1 match: 'One “year”.'>, 2, [1, 2], '# Term\nOne “year”.')`,
  );
});

test('documents and passages go through pickle and copy, and show as texts in the list of changes', async () => {
  const ran = await session.run(
    'import copy, pickle\nd = Document.make("a\\nb", "n", [(0, 3)])\np = search_text(d, "b")[0]\n[(x == y, vars(x) == vars(y), type(x).__name__) for x in (d, p) for y in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x))]',
  );
  expect(ran.value).toBe(
    "[(True, True, 'Document'), (True, True, 'Document'), (True, True, 'Passage'), (True, True, 'Passage')]",
  );
  expect(ran.changes.slice(0, 2)).toEqual([
    { name: 'd', change: 'new', type: 'Document', size: 3, preview: String.raw`'a\nb'` },
    { name: 'p', change: 'new', type: 'Passage', size: 3, preview: String.raw`'a\nb'` },
  ]);
});

test('functions whose names are common words give way to variables, and come back', async () => {
  const own = new Session(repl, store, 'own names');
  const ran = await own.run('rank = 5\nquote = "q"');
  expect(ran.stderr).toBe('');
  expect(ran.changes.map(({ name, change }) => [name, change])).toEqual([
    ['rank', 'new'],
    ['quote', 'new'],
  ]);
  expect((await own.run('rank += 1\nrank, quote')).value).toBe("(6, 'q')");
  await own.run('del rank, quote');
  expect((await own.run('rank.__name__, quote.__name__, [r.name for r in []]')).value).toBe(
    "('rank', 'quote', [])",
  );
});

test('an index and what was found stay in the heap, also of a kernel that is restored', async () => {
  const own = new Session(repl, store, 'ranked');
  const first = await own.run(
    'docs = {"a": "The tenant makes a payment.", "b": "Interest on late payments."}\nhits = rank(docs, "late payment")\nhits',
  );
  expect(first.value?.replaceAll(/score [\d.]+/g, 'score SCORE')).toBe(
    '2 passages\n[0] b · 0-26 · 2 matches · score SCORE\n    Interest on late payments.\n[1] a · 0-27 · 1 match · score SCORE\n    The tenant makes a payment.',
  );
  expect(first.changes).toContainEqual({
    name: 'hits',
    change: 'new',
    type: 'Passages',
    size: 2,
    preview: "['Interest on late payments.', 'The tenant makes a payment.']",
  });
  const fork = own.fork(repl, 'ranked elsewhere');
  const again = await fork.run(
    'rank(docs, "late payment") == hits, hits[0].score, describe([{"n": 1}])',
  );
  expect(again.value).toMatch(/^\(True, \d\.\d+, 1 row\ncolumn /);
});

test('a large text is searched whatever the case without a copy of it', async () => {
  const ran = await session.run(
    'big = ("the quick brown fox\\n" * 99_999 + "Zebra or quick foxes") * 40\nlen(big), search_text(big, "zEBRA", window=5)[-1], search_text(big, "no such animal")',
    { limits: { heapMiB: 128 } },
  );
  expect(ran.error).toBeNull();
  expect(ran.value).toBe(
    String.raw`(80000000, <Passage 79999975-79999990, 1 match: ' fox\nZebra or q'>, [])`,
  );
});

test('nor of one of wider characters, nor by a pattern', async () => {
  const ran = await new Session(repl, store, 'wide').run(
    'wide = ("the “quick” brown fox\\n" * 49_999 + "Zebra n’est pas là") * 28\nlen(wide), search_text(wide, "ZEBRA N’EST", window=0)[0].start, len(search_text(wide, r"zebra n.est pas l\\w$", regex=True, max_results=None)), search_text(wide, "Ñandú")',
    { limits: { heapMiB: 128 } },
  );
  expect(ran.error).toBeNull();
  expect(ran.value).toBe('(30799888, 1099978, 1, [])');
});
