"""The answer of the run: a dict {"content": ..., "ready": ...} that the model revises until it is ready."""

import json


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


def mend(namespace):
    """After a cell: an `answer` that the cell rebound to something else becomes the draft. Returns a note or None."""
    if "answer" not in namespace:
        namespace["answer"] = fresh()
        return "answer was deleted; it is {'content': '', 'ready': False} again"
    value = namespace["answer"]
    if type(value) is not dict:
        namespace["answer"] = {"content": value, "ready": False}
        return 'answer is a dict: your value was put into answer["content"]; set answer["ready"] = True when it is final'
    value.setdefault("content", "")
    value.setdefault("ready", False)
    return None
