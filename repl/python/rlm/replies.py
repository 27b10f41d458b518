"""Answers of models, as Python sees them."""

import json
import re

_loads = json.JSONDecoder().decode
_FENCED = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)^[ \t]*```[ \t]*$", re.MULTILINE | re.DOTALL)
OK_HINT = "await llm_query(...) answers one call after the other; await llm_query_async(...) and llm_query_batched([...]) run in parallel.\n"


class Reply(str):
    """The text of a model's answer: a plain string that also knows how it came about.

    .error          None, or what went wrong; test with ok(reply) before you use the text
    .usage          dict of tokens and cost, as the provider counted them
    .finish_reason  'stop', 'length' (the answer was cut off), 'partial: turns' (best draft of a sub-run that
                    ended at a limit), ...
    .model          the model that answered
    .data           the parsed answer when it is JSON, else None; of a tool what it returned
    """

    error = None
    usage = None
    finish_reason = None
    model = None
    _format = None

    @property
    def data(self):
        if self.error is not None:
            return None
        if self._format == "text":
            return str.__str__(self)
        text = str.strip(self)
        try:
            return _loads(text)
        except ValueError:
            pass
        # JSON in the one fenced block of the answer, whatever stands around it.
        blocks = [b for b in _FENCED.findall(text) if b.strip()]
        try:
            return _loads(blocks[0]) if len(blocks) == 1 else None
        except ValueError:
            return None

    def __await__(self):
        _hint()
        return self
        yield  # makes this a generator: the reply is already there


_hint_sink = [None, False]


def tell_hints_to(write):
    _hint_sink[0] = write


def start_of_cell():
    """A hint is told once a cell."""
    _hint_sink[1] = False


def _hint():
    write, shown = _hint_sink
    if write is not None and not shown:
        _hint_sink[1] = True
        write(OK_HINT)


def ok(reply):
    """True when the reply is an answer, False when the call failed (see reply.error)."""
    return getattr(reply, "error", None) is None


def make_reply(answer, text):
    if answer["status"] == "ok":
        reply = Reply(text)
        reply.usage = answer["usage"]
        reply.finish_reason = answer["finishReason"]
        reply.model = answer["model"]
        if "format" in answer:
            reply._format = answer["format"]
        return reply
    error = f"{answer['type']}: {text}"
    reply = Reply(f"[sub-call failed, this is no answer. {error}]")
    reply.error = error
    reply.finish_reason = "error"
    return reply
