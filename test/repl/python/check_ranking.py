"""Tests without a kernel, under plain CPython: ranking, and the word stems it counts by"""

import math
import unittest

import prelude_path  # noqa: F401
from rlm import ranking, stems


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


if __name__ == "__main__":
    unittest.main()
