"""Tests without a kernel, under plain CPython: matching, searching and quoting"""

import json
import random
import re
import unittest

import prelude_path  # noqa: F401
from rlm import chunks, matching, passages, quoting, ranking, required, search, tables
from rlm.documents import Document, Parts

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


if __name__ == "__main__":
    unittest.main()
