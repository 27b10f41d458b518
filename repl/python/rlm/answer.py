"""The answer of the run: a dict {"content": ..., "ready": ...} that the model revises until it is ready."""

import json

from .documents import Passage

# As in protocol/caps.ts: citations of an answer, characters of one quote and of all together, of an input's name.
CITATIONS, QUOTE_CHARS, CITATIONS_CHARS, NAME_CHARS = 200, 20_000, 1_000_000, 4_500
_dumps = json.JSONEncoder(ensure_ascii=False).encode


def fresh():
    return {"content": "", "ready": False}


def make_functions(namespace, tools):
    def current():
        value = namespace.get("answer")
        if type(value) is not dict:
            value = namespace["answer"] = fresh()
        return value

    def FINAL(content) -> None:
        """Set the final answer: the same as answer["content"] = content; answer["ready"] = True."""
        answer = current()
        answer["content"] = content
        answer["ready"] = True

    def FINAL_VAR(name) -> None:
        """Make the value of a variable the final answer. Takes the variable's name (or the value itself)."""
        if not isinstance(name, str):
            return FINAL(name)
        known = name.strip().strip("\"'")
        if known not in namespace:
            told = known if len(known) <= 60 else known[:60] + "…"
            raise NameError(f"FINAL_VAR: there is no variable {told!r}; SHOW_VARS() lists them, FINAL(text) takes a text")
        FINAL(namespace[known])

    def SUBMIT(*values, **fields) -> None:
        """Submit the final answer: SUBMIT(text), or SUBMIT(field=value, ...) for an answer of several fields."""
        if values and fields or len(values) > 1 or not (values or fields):
            raise TypeError("SUBMIT() takes one value, or fields by name")
        FINAL(values[0] if values else fields)

    return [FINAL, FINAL_VAR, SUBMIT]


def state(namespace, tools):
    """(text or None, ready). A content that is no str is given as JSON, or as its preview when JSON cannot hold it."""
    value = namespace.get("answer")
    if type(value) is not dict:
        return None, False
    content, ready = value.get("content"), value.get("ready") is True
    if issubclass(type(content), str):
        text = str.__str__(content)
    elif content is None:
        text = None
    else:
        try:
            text = json.dumps(content, ensure_ascii=False, indent=2)
        except BaseException:
            # Methods of the content's own classes run here, and may raise anything.
            text = tools.preview(content, 2000)
    return (text or None), ready


def citations(namespace, tools):
    """answer["citations"] as JSON, or None when there are none. What is no citation is told too: the engine says to the model what is wrong."""
    value = namespace.get("answer")
    given = value.get("citations") if type(value) is dict else None
    if given is None:
        return None
    try:
        items = list(given) if isinstance(given, (list, tuple)) else [given]
        told, room = [], CITATIONS_CHARS
        for item in items[:CITATIONS]:
            citation = _citation(item, tools)
            room -= len(citation["quote"] or "")
            if room < 0:
                break
            told.append(citation)
        return _dumps({"citations": told, "omitted": len(items) - len(told)}) if items else None
    except BaseException:
        # Methods of the list's own class run here, and may raise anything.
        return _dumps({"citations": [_no_citation(given, tools)], "omitted": 0})


def _citation(item, tools):
    """A Passage, the words alone, or a dict of them; all that comes of it are exact strings and numbers."""
    fields = dict(item) if isinstance(item, dict) else {"quote": item}
    quote = fields.get("quote")
    name = fields.get("input", fields.get("document"))
    start, end, part = fields.get("start"), fields.get("end"), fields.get("part")
    if isinstance(quote, Passage):
        name = name or quote.document
        if start is None:
            start, end, part = quote.start, quote.end, quote.part
    start, end, part = (at if type(at) is int and 0 <= at < 2**53 else None for at in (start, end, part))
    if not isinstance(quote, str) and (quote is not None or start is None or end is None):
        return _no_citation(item, tools)
    name, quote = (str.__str__(text) if isinstance(text, str) else "" for text in (name, quote))
    return {
        "input": name[:NAME_CHARS] or None,
        "quote": quote[: QUOTE_CHARS + 1] or None,
        "start": start,
        "end": end,
        "part": part,
    }


def _no_citation(item, tools):
    return {"input": None, "quote": None, "start": None, "end": None, "part": None, "problem": tools.preview(item, 100)[:200]}


def mend(namespace, tools):
    """After a cell: an `answer` that the cell rebound to something else becomes the draft, and `ready` True or False. Returns a note or None."""
    if "answer" not in namespace:
        namespace["answer"] = fresh()
        return "answer was deleted; it is {'content': '', 'ready': False} again"
    value = namespace["answer"]
    if type(value) is not dict:
        namespace["answer"] = {"content": value, "ready": False}
        return 'answer is a dict: your value was put into answer["content"]; set answer["ready"] = True when it is final'
    value.setdefault("content", "")
    ready = value.setdefault("ready", False)
    if type(ready) is bool:
        return None
    meant = value["ready"] = _meant(ready)
    if meant is not None:
        return None
    value["ready"] = False
    return f'answer["ready"] was {tools.preview(ready, 40)[:100]}, which is neither True nor False, and is False now; set answer["ready"] = True when the answer is final'


def _meant(ready):
    """What stands for True or False: numbers and those words, of exactly these types, since those of the model run its code. None when neither is meant."""
    if ready is None:
        return False
    if type(ready) is int:
        return ready != 0
    # A copy of a text of any length might find no memory.
    word = ready.strip().lower() if type(ready) is str and len(ready) < 100 else None
    return {"true": True, "false": False, "": False}.get(word)
