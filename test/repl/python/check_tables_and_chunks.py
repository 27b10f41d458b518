"""Tests without a kernel, under plain CPython: tables of rows, and cutting a text into chunks"""

import random
import unittest

import prelude_path  # noqa: F401
from rlm import chunks, tables
from rlm.documents import Document


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


if __name__ == "__main__":
    unittest.main()
