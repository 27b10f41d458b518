"""quote: whether a passage really occurs."""

import re

from .documents import Passage, texts_of
from .sections import Sections

# Characters that one program writes for another's.
_ALIKE = ("\"“”„‟«»″", "'’‘‚‛′`´", "-‐‑‒–—−")
_LIKE = {c: f"[{re.escape(kind)}]" for kind in _ALIKE for c in kind}
_PIECE = re.compile(f"[^{re.escape(''.join(_LIKE))}]+")
# White space beyond what the passage itself has: a few ends of pages with their blank lines. Twice its length is always allowed.
MORE_SPACE = 2_000


def quote(text, passage):
    """Check that a passage really occurs, before you cite it. Returns it as a Passage with its place, or None.

        q = quote(contract, "The Supplier shall indemnify the Client")
        if q is None: ...                     # the words do not stand there: do not cite them
        else: print(q, q.document, q.page, q.heading, q.start)

    White space, and kinds of quotation marks and dashes, may differ; what you get is the text as it stands. Words and
    the case of letters may not, and nothing may be left out: quote the two sides of an ellipsis one by one.

    text     a str, a Document, or a dict or list of them: the first that has the passage counts
    passage  what you want to cite
    """
    if not isinstance(passage, str):
        raise TypeError(f"quote() takes a passage of type str, not {type(passage).__name__}")
    if not passage.strip():
        raise ValueError("quote() was given an empty passage")
    loosely = None
    for name, part, one in texts_of(text, "quote"):
        start = one.find(passage)
        span = (start, start + len(passage)) if start >= 0 else None
        if span is None:
            loosely = loosely or _Loosely(passage)
            span = loosely.find(one)
        if span is not None:
            section = Sections(one).above(span[0])
            return Passage.make(one, *span, section[1] if section else "", [span], name, part)
    return None


class _Loosely:
    """A passage with other white space, quotation marks and dashes. Looked for by its longest piece that has none."""

    def __init__(self, passage):
        words = passage.split()
        self._pattern = re.compile(r"\s+".join("".join(_LIKE.get(c) or re.escape(c) for c in word) for word in words))
        pieces = [(m.end() - m.start(), i, m) for i, word in enumerate(words) for m in _PIECE.finditer(word)]
        _, index, piece = max(pieces, key=lambda one: one[0], default=(0, 0, None))
        self._piece = piece and piece.group()
        # How far in front of its end the passage begins, and ends behind it: white space may make it longer.
        before = sum(map(len, words[:index])) + index + piece.start() if piece else 0
        self._least, self._most = before, 2 * before + MORE_SPACE
        self._behind = 2 * (len(" ".join(words)) - before) + MORE_SPACE

    def find(self, text):
        if self._piece is None:
            match = self._pattern.search(text)
            return match and match.span()
        done, at = 0, text.find(self._piece)
        while at >= 0:
            if done <= at - self._least:
                match = self._pattern.search(text, max(done, at - self._most), at + self._behind)
                if match:
                    return match.span()
                done = at - self._least + 1
            at = text.find(self._piece, at + 1)
        return None
