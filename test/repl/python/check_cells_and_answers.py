"""Tests without a kernel, under plain CPython: what a cell works with and leaves: source, output, previews, replies and answers"""

import json
import pickle
import unittest

import prelude_path  # noqa: F401
from rlm import answer, errors, output, replies, source, variables
from rlm.documents import Document, Passage


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
