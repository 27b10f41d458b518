"""What the model is told of an exception: type, message, traceback, and a hint where the place itself is the reason."""

import errno
import sys
import warnings
from traceback import StackSummary, TracebackException

TRACEBACK_CHARS = 20_000
LINE_CHARS = 1_000
MESSAGE_CHARS = 900
# Nested and chained exceptions that are looked into.
DEPTH = 20
# Of a traceback: more than the usual recursion limit. A cell that lifts it can leave millions behind, which take minutes to look at.
LAST_FRAMES = 2_000
PRELUDE = "<rlm"
CELL = "<cell"
STAYS = 'This ends the cell, not the session: all variables stay. When the answer is final, set answer["ready"] = True.'
NO_STDIN = "nobody sits at this session. Work with the variables that you have."
_NO_NETWORK = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ECONNREFUSED}
_STANDARD_LIBRARY = sys.stdlib_module_names


class Leave:
    """`exit` and `quit`: nothing here can be left."""

    def __init__(self, name):
        self._name = name

    def __call__(self, code=None):
        raise SystemExit() if code is None else SystemExit(code)

    def __repr__(self):
        return f"{self._name}() ends the cell, not the session"


def install_warnings():
    """A warning that comes up in the prelude is told without its place: the model wrote no line there."""
    original = warnings.formatwarning

    def formatwarning(message, category, filename, lineno, line=None):
        if filename.startswith(PRELUDE):
            return f"{category.__name__}: {message}\n"
        return original(message, category, filename, lineno, line)

    warnings.formatwarning = formatwarning


def make(name_of, packages=None):
    """`name_of(value)`: the name of its type, without running code of the model. `packages`: those of the run."""

    def describe(error):
        name = name_of(error)
        try:
            message = str(error)
            message = str.__str__(message)[:MESSAGE_CHARS] if isinstance(message, str) else ""
            if isinstance(error, SystemExit) and message in ("", "None"):
                message = STAYS
        except BaseException:
            message = "<the exception's own __str__ failed>"
        try:
            text = _shortened(_render(error))
        except BaseException:
            text = f"{name}: {message}\n(no traceback: formatting it failed)"
        try:
            hint = _hint(error, packages)
        except BaseException:
            hint = None
        if hint is not None:
            text += f"[{hint}]\n"
        return {"type": name, "message": message, "traceback": text}

    return describe


def _render(error):
    told = TracebackException(type(error), error, error.__traceback__, limit=-LAST_FRAMES, compact=True)
    _strip(told, 0)
    return "".join(told.format())


def _strip(told, depth):
    """Leaves out the frames of the prelude, and what it called on the way to the cell: the model did not write them."""
    frames = [f for f in told.stack if not f.filename.startswith(PRELUDE)]
    cells = [at for at, frame in enumerate(frames) if frame.filename.startswith(CELL)]
    told.stack = StackSummary.from_list(frames[cells[0] :] if cells and len(frames) < len(told.stack) else frames)
    # Formatting would copy it, and memory may be short.
    if type(told._str) is str and len(told._str) > TRACEBACK_CHARS:
        told._str = f"{told._str[: TRACEBACK_CHARS // 2]} … {told._str[-TRACEBACK_CHARS // 2 :]}"
    if depth < DEPTH:
        for inner in (told.__cause__, told.__context__, *(told.exceptions or ())):
            if inner is not None:
                _strip(inner, depth + 1)


def _shortened(text):
    if len(text) > LINE_CHARS:
        text = "".join(
            line if len(line) <= LINE_CHARS else f"{line[: LINE_CHARS // 2]} … {line[-LINE_CHARS // 4 :]}"
            for line in text.splitlines(True)
        )
    if len(text) > TRACEBACK_CHARS:
        text = text[: TRACEBACK_CHARS // 2] + "\n[...]\n" + text[-TRACEBACK_CHARS // 2 :]
    return text


def _hint(error, packages):
    if isinstance(error, SystemExit):
        return STAYS
    if isinstance(error, ModuleNotFoundError) and type(error.name) is str:
        if error.name.partition(".")[0] in _STANDARD_LIBRARY:
            return "This Python is without this part of the standard library."
        own = ", ".join(module for _, _, modules in (packages.listed if packages else ()) for module in modules)
        return f"There is Python's standard library here{own and ', and ' + own}, and nothing can be installed."
    reason = getattr(error, "reason", None) if type(error).__name__ == "URLError" else error
    if isinstance(reason, OSError) and reason.errno in _NO_NETWORK:
        return "There is no network here."
    if isinstance(reason, OSError) and reason.errno == errno.ENOTSUP:
        return "There are no other programs and processes here; for parallel work use threads."
    if type(error).__name__ == "ZoneInfoNotFoundError":
        return "There is no time zone data here but UTC; datetime.timezone makes fixed offsets."
    return None
