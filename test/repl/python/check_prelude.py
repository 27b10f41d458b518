"""Tests of the prelude's parts that need no kernel, under plain CPython: python3 check_prelude.py"""

import json
import math
import pathlib
import pickle
import random
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "repl" / "python"))

from rlm import answer, chunks, documents, errors, matching, output, passages, quoting, ranking, replies, required, search, source, stems, tables, variables  # noqa: E402, F401
from rlm.documents import Document, Parts, Passage  # noqa: E402

CONTRACT = """SERVICE AGREEMENT

1. Fees
The Client pays EUR 10 a day.
Fees are due at once.

2. Term and Termination
This Agreement lasts one year.

2.1 Notice
Thirty days. Fees stay due.
"""


class Matching(unittest.TestCase):
    def spans(self, text, query, ignore_case=True):
        return list(matching.matches(text, query, False, ignore_case))

    def test_finds_what_re_finds_whatever_case_alphabet_and_block(self):
        draw = random.Random(7)
        alphabets = ("abAB", "aäÄ ßSẞ", "kK\u212as\u017fSiI\u0130\u0131", "aΑαсС→😀", "ab\ud800", "σςΣιΙ\u0345", "жЖ\u4161aA\u6100\u6200b", "åÅ\u212bµμ")
        for case in range(4000):
            letters = draw.choice(alphabets)
            text = "".join(draw.choice(letters) for _ in range(draw.randrange(60)))
            query = "".join(draw.choice(letters) for _ in range(draw.randrange(1, 6)))
            matching.BLOCK_CHARS = draw.choice((1, 3, 7, 1 << 17))
            matching.RARE_CHARS, matching.FEW_RARE, matching.LOOK_EACH = draw.choice((1, 2, 2000)), draw.choice((0, 1, 100)), draw.choice((1, 3, 64))
            for ignore_case in (True, False):
                expected = [m.span() for m in re.finditer(re.escape(query), text, re.I if ignore_case else 0)]
                self.assertEqual(self.spans(text, query, ignore_case), expected, (text, query, ignore_case))

    def test_finds_by_a_pattern_what_re_finds_with_a_literal_that_it_needs_or_without(self):
        draw = random.Random(11)
        pieces = ("ab", "abab", "a", "[ab]", "b?", "(?:a|ba){0,3}", r"\b", "^", "$", "(a)", r"\w", "(?=a)", "(?<=b)", ".", "a{2}", "|")
        required.SHORTEST = 1
        for case in range(6000):
            pattern = "".join(draw.choice(pieces) for _ in range(draw.randrange(1, 6)))
            text = "".join(draw.choice("abAB \n") for _ in range(draw.randrange(50)))
            matching.FEW_TRIED, required.MOST_STARTS = draw.choice((0, 1, 200)), draw.choice((1, 3, 24))
            flags = draw.choice((re.IGNORECASE, 0))
            expected = [m.span() for m in re.finditer(pattern, text, flags | re.MULTILINE) if m.group()]
            self.assertEqual(list(matching.matches(text, pattern, True, flags != 0)), expected, (text, pattern, flags))

    def test_knows_the_literal_that_each_match_of_a_pattern_holds(self):
        for pattern, literal in (
            (r"\bindem\w+", ("indem", 0, 0)),
            (r"x{0,5}shall\s+not", ("shall", 0, 5)),
            (r"(?:EUR|USD) [\d.,]+", None),
            (r"\s*shall", None),
            ("a|shall", None),
            ("(?i:shall)", None),
        ):
            self.assertEqual(required.required_literal(re.compile(pattern)), literal, pattern)

    def tearDown(self):
        matching.BLOCK_CHARS, matching.FEW_TRIED = 1 << 17, 200
        matching.RARE_CHARS, matching.FEW_RARE, matching.LOOK_EACH = 2000, 100, 64
        required.SHORTEST, required.MOST_STARTS = 4, 24

    def test_empty_matches_of_a_pattern_are_none(self):
        self.assertEqual(list(matching.matches("abc", "x*", True, True)), [])


class Searching(unittest.TestCase):
    def test_passages_are_sections_with_all_their_matches(self):
        found = search.search_text(CONTRACT, "fees")
        self.assertEqual([(p.heading, len(p.matches)) for p in found], [("1. Fees", 2), ("2.1 Notice", 1)])
        for passage in found:
            self.assertEqual(CONTRACT[passage.start : passage.end], passage)
            for start, end in passage.matches:
                self.assertEqual(CONTRACT[start:end].lower(), "fees")

    def test_passages_never_overlap_and_lie_in_order(self):
        draw = random.Random(3)
        for case in range(300):
            lines = [draw.choice(("1. One", "word word", "", "TWO TWO", "x" * draw.randrange(300))) for _ in range(40)]
            text = "\n".join(lines)
            found = search.search_text(text, "w", max_results=None, window=draw.choice((None, 0, 9)))
            for before, after in zip(found, found[1:]):
                self.assertLessEqual(before.end, after.start)
            self.assertEqual(sum(len(p.matches) for p in found), text.lower().count("w"))

    def test_a_page_may_begin_with_a_heading(self):
        found = search.search_text("# A\nx\f# B\ny", "y")
        self.assertEqual([(p.heading, p.start) for p in found], [("B", 6)])

    def test_a_clause_that_goes_on_behind_its_title_is_a_section(self):
        text = "6 PAYMENTS\n\n6.4 Currency. " + "All payments are in EUR. " * 20 + "\n\n6.5 Taxes. Each party pays its taxes, and " + "so on " * 40
        found = search.search_text(text, "taxes")
        self.assertEqual([(p.heading, p.start) for p in found], [("6.5 Taxes.", text.index("6.5"))])

    def test_without_a_heading_the_page_is_the_section(self):
        text = Document.make("one two\nthree\ffour\n\nfive\fsix", "d", [(0, 14), (14, 25), (25, 28)])
        self.assertEqual([(p, p.page) for p in search.search_text(text, "five")], [("four\n\nfive\f", 2)])

    def test_what_is_found_prints_as_a_table(self):
        text = Document.make(CONTRACT, "c.pdf", [(0, 60), (60, len(CONTRACT))])
        found = search.search_text(text, "fees", max_results=1)
        expected = "1 passage\n[0] c.pdf · page 1 · 1. Fees · 19-80 · 2 matches\n    1. Fees The Client pays EUR 10 a day. Fees are due at once."
        self.assertEqual(str(found), f"{expected}\n(stopped at max_results=1: there may be more)")
        self.assertEqual(str(search.search_text(text, "fees")).split("\n")[0], "2 passages")
        self.assertEqual(str(search.search_text(text, "fees")[:1]), expected)
        self.assertEqual(str(search.search_all({"a": text, "b": "no"}, "at once")), f"1 document\na: {expected.replace('c.pdf', 'a').replace('2 matches', '1 match').replace('page 1', 'page 2')}")
        self.assertEqual((str(search.search_text(text, "zebra")), str(search.search_all(text, "zebra"))), ("[]", "{}"))
        self.assertEqual(json.dumps(found), json.dumps([str(found[0])]))

    def test_an_excerpt_shows_where_most_matches_are(self):
        text = "fee " + "word " * 400 + "the fee, the fee and the fee" + " word" * 400
        (found,) = search.search_text(text, "fee", window=3000)
        self.assertIn("the fee, the fee and the fee", passages.excerpt(found))
        self.assertLess(len(passages.excerpt(found)), passages.EXCERPT_CHARS + 3)

    def test_it_says_whether_there_is_more(self):
        texts = {"a": "x", "b": "x\n\ny"}
        for limit, stopped in ((1, True), (2, False), (None, False)):
            self.assertIs(search.search_text(texts, "x", max_results=limit).stopped, stopped)
        self.assertFalse(search.search_text(texts, "y", max_results=1).stopped)

    def test_the_page_is_that_of_the_first_match(self):
        text = Document.make("# A\none\ftwo two", "d", [(0, 8), (8, 15)])
        self.assertEqual([(p.start, p.page) for p in search.search_text(text, "two")], [(0, 2)])
        self.assertEqual([p.page for p in search.search_text(text, "one")], [1])

    def test_a_limit_counts_for_all_texts_or_for_each(self):
        texts = {"a": "x\n" * 5, "b": "x"}
        self.assertEqual(len(search.search_text(texts, "x", window=0, max_results=3)), 3)
        hits = search.search_all(texts, "x", window=0, max_results=3)
        self.assertEqual({name: len(found) for name, found in hits.items()}, {"a": 3, "b": 1})

    def test_parts_are_searched_as_one_text(self):
        parts = Parts.make(
            [Document.make("one", "d", [(0, 3)]), Document.make("two one", "d", [(0, 4), (4, 7)], None, 2)], "d"
        )
        found = search.search_text({"big": parts}, "one", window=0)
        self.assertEqual([(p.document, p.part, p.page, p.start) for p in found], [("big", 0, 1, 0), ("big", 1, 3, 4)])
        for passage in found:
            self.assertEqual(parts[passage.part][passage.start : passage.end], passage)
        self.assertEqual(repr(parts), "<Parts 'd': 2 parts, 10 characters>")

    def test_says_what_it_takes(self):
        for call, error, message in (
            (lambda: search.search_text(5, "a"), TypeError, "search_text() takes a str, or a dict or list of them, not int"),
            (lambda: search.search_all("a", 5), TypeError, "search_all() takes a query of type str, not int"),
            (lambda: search.search_text("a", ""), ValueError, "search_text() was given an empty query"),
            (lambda: search.search_text("a", "a", window=-1), ValueError, "search_text() takes a whole number of 0 or more, or None, as window"),
            (lambda: ranking.rank("a", "?"), ValueError, "rank() was given a query without a word"),
            (lambda: ranking.rank("a", "a", 0), ValueError, "rank() needs k > 0 and each > 0"),
            (lambda: tables.group_by("ab", "a"), TypeError, "group_by() takes a list of dicts, not str"),
            (lambda: tables.group_by([{}], 5), TypeError, "group_by() groups by the name of a column, a list of names, or a function of a row"),
            (lambda: tables.describe([{}, 1]), TypeError, "describe() takes a list of dicts; row 1 is int"),
            (lambda: quoting.quote("a", " "), ValueError, "quote() was given an empty passage"),
            (lambda: quoting.quote(None, "a"), TypeError, "quote() takes a str, or a dict or list of them, not NoneType"),
            (
                lambda: chunks.chunk_text("a", by="line"),
                ValueError,
                "chunk_text() cuts by 'paragraph', 'heading', 'page', 'tokens' or 'size', not 'line'",
            ),
            (lambda: Document.make("a", "d").page(1), IndexError, "d has no page 1: it has no pages"),
            (lambda: Document.make("a", "d", [(0, 1)]).page(2), IndexError, "d has no page 2: its pages are 1 to 1"),
        ):
            with self.assertRaises(error) as raised:
                call()
            self.assertEqual(str(raised.exception), message)


class Quoting(unittest.TestCase):
    def test_gives_the_text_as_it_stands(self):
        text = "He said:\n“It’s  due –\nat once.”"
        for passage in ("It's due - at once.", "“It’s  due –\nat once.”", 'said: "It`s due — at once."'):
            found = quoting.quote(text, passage)
            self.assertIsNotNone(found, passage)
            self.assertEqual(text[found.start : found.end], found)

    def test_is_none_when_the_words_do_not_stand_there(self):
        for passage in ("It is due", "it’s due", "due. at once", "at once.” and"):
            self.assertIsNone(quoting.quote("“It’s due at once.”", passage), passage)


    def test_finds_the_words_however_far_apart_white_space_puts_them(self):
        text = "x" * 5000 + "due\n\n\n" + " " * 1500 + "at\tonce" + "due at one " * 500
        self.assertEqual((quoting.quote(text, "due at once").start, quoting.quote(text, "due at once").end), (5000, 5000 + 1513))
        self.assertIsNone(quoting.quote(text, "due at twice"))

    def test_a_passage_of_marks_only_is_found_too(self):
        self.assertEqual(quoting.quote("a ‘–’ b", "'-'"), "‘–’")


class Ranking(unittest.TestCase):
    TEXTS = {
        "supply": "1. Supply\n\nThe supplier delivers the goods.\n\n" + "filler text here\n\n" * 200 + "9. Indemnity\n\nThe supplier indemnifies the client against claims.",
        "lease": "The landlord lets the flat. The tenant pays the rent monthly.",
        "loan": "Interest on late payments is due. A late payment bears interest of five percent.",
    }

    def test_the_best_come_first_with_what_they_hold(self):
        found = ranking.rank(self.TEXTS, "Who is to pay INTEREST when payment comes late?")
        self.assertEqual([p.document for p in found], ["loan", "lease"])
        self.assertGreater(found[0].score, found[1].score)
        text = self.TEXTS["loan"]
        self.assertEqual(text[found[0].start : found[0].end], found[0])
        self.assertEqual({text[a:b].lower() for a, b in found[0].matches}, {"interest", "late", "payments", "payment"})
        self.assertIn("loan · 0-80 · 6 matches · score", str(found))

    def test_it_is_the_passage_of_a_long_text_that_is_found(self):
        (found,) = ranking.rank(self.TEXTS, "indemnification")
        self.assertEqual((found.document, found.heading), ("supply", "9. Indemnity"))
        self.assertLessEqual(len(found), ranking.PIECE_CHARS)

    def test_counts_as_bm25_says(self):
        texts = ["apple pear", "apple apple fig", "plum plum fig"]
        found = ranking.rank(texts, "apple fig")
        idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
        mean = sum(map(len, texts)) / 3

        def gain(times, text):
            return idf * times * 2.2 / (times + 1.2 * (0.25 + 0.75 * len(text) / mean))

        expected = {
            "[1]": gain(2, texts[1]) + gain(1, texts[1]),
            "[2]": gain(1, texts[2]),
            "[0]": gain(1, texts[0]),
        }
        self.assertEqual([p.document for p in found], sorted(expected, key=expected.get, reverse=True))
        for passage in found:
            self.assertAlmostEqual(passage.score, expected[passage.document])

    def test_limits_are_for_all_or_for_each_document(self):
        long = "\n\n".join(f"{i} fee " + "word " * 300 for i in range(9))
        texts = {"a": long, "b": long}
        self.assertEqual(len(ranking.rank(texts, "fees", k=3)), 3)
        self.assertEqual([p.document for p in ranking.rank(texts, "fees", each=1)], ["a", "b"])
        self.assertEqual(len(ranking.rank(texts, "fees", 100, each=2)), 4)

    def test_finds_words_of_other_scripts(self):
        self.assertEqual([p.document for p in ranking.rank({"a": "東京は日本の首都です。", "b": "大阪は大きい都市。"}, "日本の首都")], ["a"])
        self.assertEqual([p.document for p in ranking.rank({"a": "ДОГОВОР поставки", "b": "счёт"}, "договор")], ["a"])

    def test_an_index_serves_the_next_question_and_an_equal_text(self):
        ranking._indexes.clear()
        ranking.rank(self.TEXTS, "interest")
        held = dict(ranking._indexes)
        ranking.rank({"again": "".join(list(self.TEXTS["loan"]))}, "landlord interest")
        self.assertEqual(len(ranking._indexes), 3)
        self.assertTrue(all(ranking._indexes[key] is index for key, index in held.items()))

    def test_the_oldest_index_goes_when_there_are_too_many_entries(self):
        ranking._indexes.clear()
        self.addCleanup(setattr, ranking, "MOST_ENTRIES", ranking.MOST_ENTRIES)
        ranking.MOST_ENTRIES = 20
        for word in ("one", "two", "three", "four"):
            ranking.rank(word, word)
        self.assertEqual([length for length, _ in ranking._indexes], [5, 4])

    def test_forms_of_a_word_have_one_key_and_begin_alike(self):
        for forms in (
            "indemnify indemnifies indemnified indemnification",
            "terminate terminates terminated termination terminating",
            "license licenses licensed licensing",
            "agree agrees agreed agreement agreements",
            "party parties",
            "transfer transferred transferring",
            "access accesses",
            "tax taxes taxed",
            "fee fees",
        ):
            words = forms.split()
            key, begins = stems.stem(words[0])
            for word in words:
                self.assertEqual(stems.stem(word), (key, begins))
                self.assertTrue(word.startswith(begins))
        for one, other in (("part", "party"), ("string", "str"), ("thing", "th"), ("is", "i")):
            self.assertNotEqual(stems.stem(one)[0], stems.stem(other)[0])


class Tables(unittest.TestCase):
    ROWS = [
        {"country": "DE", "amount": "1,200.50", "year": 2020, "code": "007"},
        {"country": "FR", "amount": "3", "year": 2021, "code": "008", "tags": ["a"]},
        {"country": "DE", "amount": "", "year": 2020, "code": "007"},
        {"amount": "-7", "year": float("nan"), "code": None},
    ]

    def test_groups_are_rows_by_key_in_the_order_met(self):
        rows = self.ROWS
        self.assertEqual(tables.group_by(rows, "country"), {"DE": [rows[0], rows[2]], "FR": [rows[1]], None: [rows[3]]})
        self.assertEqual(list(tables.group_by(rows, ["country", "year"])), [("DE", 2020), ("FR", 2021), (None, None)])
        self.assertEqual(list(tables.group_by(rows, lambda row: len(row))), [4, 5, 3])
        self.assertEqual(list(tables.group_by(rows, "tags")), [None, "['a']"])
        self.assertEqual(tables.group_by([], "a"), {})

    def test_columns_are_made_of_the_rows_or_values_of_each_group(self):
        made = tables.group_by(self.ROWS, "country", n=len, total=("amount", "sum"), codes=("code", "distinct"), most=("amount", max), years=("year", lambda v: v[-1]))
        self.assertEqual(
            made,
            [
                {"country": "DE", "n": 2, "total": 1200.5, "codes": 1, "most": 1200.5, "years": 2020},
                {"country": "FR", "n": 1, "total": 3, "codes": 1, "most": 3, "years": 2021},
                {"country": None, "n": 1, "total": -7, "codes": 0, "most": -7, "years": None},
            ],
        )
        self.assertEqual(str(made), "country  n  total    codes  most     years\nDE       2  1200.50  1      1200.50  2020\nFR       1  3        1      3        2021\n         1  -7       0      -7")
        with self.assertRaises(TypeError) as raised:
            tables.group_by(self.ROWS, "country", total=("amount", "add"))
        self.assertIn("'count', 'sum', 'mean'", str(raised.exception))

    def test_a_description_tells_of_each_column(self):
        described = {row["column"]: row for row in tables.describe(self.ROWS)}
        amount = {"column": "amount", "type": "str (numbers)", "values": 3, "missing": 1, "distinct": 3, "min": -7, "median": 3, "max": 1200.5, "mean": 1196.5 / 3, "sum": 1196.5}
        self.assertEqual({**described["amount"], "top": None}, {**amount, "top": None})
        self.assertEqual(described["code"], {"column": "code", "type": "str", "values": 3, "missing": 1, "distinct": 2, "min": "007", "median": None, "max": "008", "mean": None, "sum": None, "top": [("007", 2), ("008", 1)]})
        self.assertEqual((described["tags"]["missing"], described["tags"]["top"]), (3, [("['a']", 1)]))
        self.assertEqual(described["year"]["values"], 3)
        self.assertEqual(str(tables.describe([3, 1])), "2 rows\ncolumn  type  values  missing  distinct  min  median  max  mean  sum  top\nvalue   int   2       0        2         1    2       3    2     4    3 ×1, 1 ×1")
        self.assertEqual(tables.describe([]), [])

    def test_what_is_no_plain_number_is_text(self):
        for values in (["007"], ["1,2"], ["12,34"], ["1-2"], ["x"], ["1", "x"], [True], ["²"], ["1e5"], [""]):
            self.assertIsNone(tables._as_numbers(values), values)
        self.assertEqual(tables._as_numbers([" 12 ", "0", "-0.5", "1,234,567", 2.5, "5."]), [12, 0, -0.5, 1234567, 2.5, 5])


class Chunking(unittest.TestCase):
    def test_pieces_cover_the_text_and_keep_their_size(self):
        draw = random.Random(5)
        for case in range(400):
            text = "".join(draw.choice(("word ", "\n\n", "# H\n", "é", "x. ", "\n")) for _ in range(draw.randrange(200)))
            by = draw.choice(chunks.WAYS)
            size = draw.randrange(1, 80)
            overlap = draw.randrange(size) if draw.random() < 0.5 else 0
            pieces = chunks.chunk_text(text, size, overlap, by)
            reached = 0
            for piece in pieces:
                self.assertEqual(text[piece.start : piece.end], piece)
                self.assertLessEqual(len(piece), size * (chunks.CHARS_A_TOKEN if by == "tokens" else 1))
                self.assertLessEqual(piece.start, reached)
                self.assertGreater(piece.end, reached)
                reached = piece.end
            self.assertEqual(reached, len(text))

    def test_pages_stay_whole(self):
        text = Document.make("aaaabbbbcccc", "d", [(0, 4), (4, 8), (8, 12)])
        self.assertEqual(chunks.chunk_text(text, 9, by="page"), ["aaaabbbb", "cccc"])
        self.assertEqual([p.page for p in chunks.chunk_text(text, 9, by="page")], [1, 3])


class Replies(unittest.TestCase):
    def reply(self, text, **answer):
        return replies.make_reply({"status": "ok", "usage": {}, "finishReason": "stop", "model": "m", **answer}, text)

    def test_data_is_the_json_of_the_answer(self):
        for text, data in (
            ('{"a": 1}', {"a": 1}),
            ("```json\n[1]\n```", [1]),
            ("Here it is:\n```\n{}\n```\nDone.", {}),
            ("```\n1\n```\nand\n```\n2\n```", None),
            ("no", None),
            ("```python\nx = 1\n```", None),
        ):
            self.assertEqual(self.reply(text).data, data, text)
        self.assertEqual(self.reply("[1]", format="text").data, "[1]")

    def test_is_a_str_for_all_that_takes_one(self):
        reply = self.reply('{"a": 1}')
        self.assertEqual(json.loads(reply), {"a": 1})
        self.assertEqual(json.dumps({"r": reply}), json.dumps({"r": '{"a": 1}'}))
        self.assertEqual(f"{reply:>10}", '  {"a": 1}')
        self.assertIs(type(str(reply)), str)
        self.assertIs(type(reply.strip()), str)
        self.assertEqual({reply: 1}['{"a": 1}'], 1)
        again = pickle.loads(pickle.dumps(reply))
        self.assertEqual((again, again.model, again.finish_reason), (reply, "m", "stop"))

    def test_a_failed_one_cannot_be_taken_for_an_answer(self):
        reply = replies.make_reply({"status": "failed", "type": "Model.Rejected"}, '{"a": 1}')
        self.assertFalse(replies.ok(reply))
        self.assertIsNone(reply.data)
        self.assertEqual(reply.error, 'Model.Rejected: {"a": 1}')
        self.assertEqual(reply, '[sub-call failed, this is no answer. Model.Rejected: {"a": 1}]')
        self.assertTrue(replies.ok("any str"))


def refuse(*args):
    raise AssertionError("code of the value ran")


class Hostile(type):
    __name__ = __hash__ = __eq__ = __instancecheck__ = property(refuse)


class Key:
    looked_up = 0

    def __hash__(self):
        Key.looked_up += 1
        return 1


class Values(unittest.TestCase):
    tools = variables.make((replies.Reply, Document, Passage))

    def test_previews_run_no_code_of_the_value(self):
        class Trap(metaclass=Hostile):
            __repr__ = __str__ = __len__ = __iter__ = __eq__ = __format__ = __bool__ = refuse
            __class__ = property(refuse)
            __hash__ = None

        class Mine(str):
            __repr__ = __getitem__ = __len__ = refuse

        class Keys(dict):
            __iter__ = items = __len__ = refuse

        for value in (Trap(), [Trap()], {"k": Trap()}, (Trap(), 1), Mine("x"), [Mine("x")], Keys(a=1), 10**5000, "x" * 10**6):
            self.assertLessEqual(len(self.tools.preview(value)), 200)
            self.assertLessEqual(len(self.tools.name_of(value)), 100)
            self.tools.size_of(value)
            before = self.tools.snapshot({"v": 1}, set())
            self.tools.changes(before, {"v": value}, set(), set())
        table = {Key(): 1}
        Key.looked_up = 0
        self.assertEqual(self.tools.preview(table), "{<Key>: 1}")
        self.assertEqual(Key.looked_up, 0)

    def test_previews_are_short_and_tell(self):
        for value, shown in (
            ("a" * 100, "'" + "a" * 80 + "'…"),
            ([1, [2, [3, [4]]]], "[1, [2, […]]]"),
            ({"k": {1, 2}}, "{'k': {1, 2}}"),
            (10**100, "int of 333 bits"),
            (set(), "set()"),
            (b"ab", "b'ab'"),
        ):
            self.assertEqual(self.tools.preview(value), shown)


class Sources(unittest.TestCase):
    def names(self, text):
        return sorted(source.compile_cell(text, "<cell 1>")[3])

    def test_finds_the_names_that_a_cell_binds(self):
        self.assertEqual(self.names("a = b.c = d[0] = 1\n(e := 2)\nf, *g = 3, 4"), ["a", "e", "f", "g"])
        self.assertEqual(self.names("import x.y, z as w\nfrom q import r as s"), ["s", "w", "x"])
        self.assertEqual(self.names("def f():\n  inner = 1\nclass C:\n  attr = 1\nfor i in x: pass"), ["C", "f", "i"])
        self.assertEqual(self.names("[n for n in x]\nlambda y: y\n(last := 1)"), ["last"])
        many = "\n".join(f"v{i} = 1" for i in range(400))
        self.assertEqual(len(self.names(many)), 400)

    def test_echoes_the_last_expression_only(self):
        for text, echoes in (("1", True), ("1;", False), ("x = 1", False), ("1 # ;", True), ("if 1:\n  2", False)):
            self.assertEqual(source.compile_cell(text, "<cell 1>")[1], echoes, text)


class Texts(unittest.TestCase):
    def test_output_is_cut_at_its_bytes_and_counted(self):
        meter = output.Meter()
        meter.reset(5)
        out, err = output.Stream(meter, "o"), output.Stream(meter, "e")
        out.write("ééé")
        err.write("late")
        self.assertEqual(out.take(), "éé\n[... 1 more characters: the output of a cell is cut at 5 bytes]")
        self.assertEqual(err.take(), "\n[... 4 more characters: the output of a cell is cut at 5 bytes]")

    def test_an_exception_is_described_whatever_its_own_methods_do(self):
        class Bad(Exception):
            def __str__(self):
                raise KeyError("nested")

        told = errors.make(lambda e: type(e).__name__)(Bad())
        self.assertEqual((told["type"], told["message"]), ("Bad", "<the exception's own __str__ failed>"))


class Answers(unittest.TestCase):
    def setUp(self):
        self.namespace = {"answer": answer.fresh(), "report": "text"}
        self.final, self.final_var, self.submit = answer.make_functions(self.namespace, None)

    def test_final_var_takes_a_name_as_models_write_it(self):
        for name in ("report", "'report'", ' "report" '):
            self.namespace["answer"] = answer.fresh()
            self.final_var(name)
            self.assertEqual(self.namespace["answer"], {"content": "text", "ready": True})

    def test_a_text_given_for_a_name_is_told_apart_shortly(self):
        with self.assertRaises(NameError) as raised:
            self.final_var("The answer is " + "long " * 1000)
        self.assertLess(len(str(raised.exception)), 200)
        self.assertEqual(self.namespace["answer"], answer.fresh())

    def test_submit_takes_one_value_or_fields(self):
        self.submit(name="x", total=3)
        self.assertEqual(self.namespace["answer"], {"content": {"name": "x", "total": 3}, "ready": True})
        for args, fields in (((), {}), ((1, 2), {}), ((1,), {"a": 2})):
            with self.assertRaises(TypeError) as raised:
                self.submit(*args, **fields)
            self.assertEqual(str(raised.exception), "SUBMIT() takes one value, or fields by name")

    def cited(self, citations):
        self.namespace["answer"]["citations"] = citations
        text = answer.citations(self.namespace, variables.make((Document, Passage)))
        return text and json.loads(text)

    def test_citations_are_passages_words_or_dicts_of_them(self):
        passage = Passage.make(Document.make("one two three", "c.pdf"), 4, 7)
        blank = {"input": None, "quote": None, "start": None, "end": None, "part": None}
        told = self.cited(
            [
                passage,
                "words",
                {"input": "a", "quote": "words", "page": 3, "note": "more"},
                {"document": "b", "start": 1, "end": 2},
                {"quote": passage},
                {"input": "mine", "quote": passage, "start": 9, "end": 12},
                {"input": "a", "quote": "x", "start": -1, "end": "7"},
            ]
        )
        at = {"quote": "two", "start": 4, "end": 7, "part": None}
        self.assertEqual(
            told,
            {
                "citations": [
                    {"input": "c.pdf", **at},
                    {**blank, "quote": "words"},
                    {**blank, "input": "a", "quote": "words"},
                    {**blank, "input": "b", "start": 1, "end": 2},
                    {"input": "c.pdf", **at},
                    {**blank, "input": "mine", "quote": "two", "start": 9, "end": 12},
                    {**blank, "input": "a", "quote": "x"},
                ],
                "omitted": 0,
            },
        )
        self.assertEqual(self.cited(passage)["citations"], [{"input": "c.pdf", **at}])
        second = Passage.make("one two", 4, 7, name="big", part=1)
        self.assertEqual(self.cited([second])["citations"], [{"input": "big", **at, "part": 1}])

    def test_what_is_no_citation_is_told_as_it_is(self):
        for given in (17, [17], [{"quote": 17}], [{"input": "a"}], [None], object):
            problems = [c.get("problem") for c in self.cited(given)["citations"]]
            self.assertEqual(len(problems), 1)
            self.assertTrue(problems[0])

    def test_no_citations_are_none(self):
        for nothing in (None, [], ()):
            self.assertIsNone(self.cited(nothing))
        del self.namespace["answer"]["citations"]
        self.assertIsNone(answer.citations(self.namespace, None))

    def test_citations_are_bounded_and_survive_hostile_values(self):
        told = self.cited(["x" * 30_000] * 300)
        self.assertEqual((len(told["citations"]), told["omitted"]), (49, 251))
        self.assertEqual(len(told["citations"][0]["quote"]), 20_001)
        told = self.cited(["x"] * 300)
        self.assertEqual((len(told["citations"]), told["omitted"]), (200, 100))

        class Liar(str):
            def __getitem__(self, key):
                raise SystemExit

            def __len__(self):
                return 0

        class Endless(list):
            def __iter__(self):
                raise KeyboardInterrupt

        self.assertEqual(self.cited([{"input": Liar("n"), "quote": Liar("q")}])["citations"][0]["quote"], "q")
        self.assertIn("problem", self.cited(Endless(["x"]))["citations"][0])


if __name__ == "__main__":
    unittest.main()
