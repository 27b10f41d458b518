"""Search instead of reading: located passages of texts."""

import re

from .documents import Passage, texts_of
from .matching import matches
from .sections import Sections


def search_text(text, query, *, regex=False, ignore_case=True, window=None, max_results=50):
    """Find where a text speaks of something. Returns a list of passages, in order.

        for p in search_text(contract, "indemnif"):
            print(p.heading, p.start, p.end, len(p.matches))
            print(p[:300])
        search_text(input_data, r"(?:EUR|USD) [\\d.,]+", regex=True, window=100)

    A passage is a string: the whole section around the match (sections are found by headings, numbers and blank
    lines), with .heading, .start, .end, .matches, .document, .page: text[p.start:p.end] == p. Matches in one section
    are one passage, so passages do not overlap.

    text         a str, a Document, or a dict or list of them
    query        a literal text, or a regular expression with regex=True
    ignore_case  True by default
    window       characters on each side instead of whole sections
    max_results  stop after so many passages; None is all
    """
    query, regex = _checked_query("search_text", query, regex)
    found = []
    for name, part, one in texts_of(text, "search_text"):
        found += _search(one, name, part, query, regex, ignore_case, window, max_results and max_results - len(found))
        if max_results is not None and len(found) >= max_results:
            break
    return found


def search_all(documents, query, *, regex=False, ignore_case=True, window=None, max_results=10):
    """Find which of many documents speak of something. Returns a dict: name -> passages, of those that do.

        hits = search_all(input_data, "termination")
        for name, passages in hits.items():
            print(name, [p.page or p.start for p in passages])

    As search_text, but `max_results` counts for each document, so that a first one with many matches hides no other.
    """
    query, regex = _checked_query("search_all", query, regex)
    found = {}
    for name, part, one in texts_of(documents, "search_all"):
        room = None if max_results is None else max_results - len(found.get(name, ()))
        passages = _search(one, name, part, query, regex, ignore_case, window, room)
        if passages:
            found.setdefault(name, []).extend(passages)
    return found


def quote(text, passage):
    """Check that a passage really occurs, before you cite it. Returns it as a Passage with its place, or None.

        q = quote(contract, "The Supplier shall indemnify the Client")
        if q is None: ...                     # the words do not stand there: do not cite them
        else: print(q, q.document, q.page, q.start)

    White space, and kinds of quotation marks and dashes, may differ; what you get is the text as it stands.
    """
    if not isinstance(passage, str):
        raise TypeError(f"quote() takes a passage of type str, not {type(passage).__name__}")
    if not passage.strip():
        raise ValueError("quote() was given an empty passage")
    loose = None
    for name, part, one in texts_of(text, "quote"):
        start = one.find(passage)
        if start >= 0:
            span = start, start + len(passage)
        else:
            loose = loose or re.compile(_loosely(passage))
            match = loose.search(one)
            if match is None:
                continue
            span = match.span()
        section = Sections(one).above(span[0])
        return Passage.make(one, *span, section[1] if section else "", [span], name, part)
    return None


# Characters that one program writes for another's.
_ALIKE = ("\"“”„‟«»″", "'’‘‚‛′`´", "-‐‑‒–—−")


def _loosely(passage):
    alike = {c: f"[{re.escape(kind)}]" for kind in _ALIKE for c in kind}
    words = passage.split()
    return r"\s+".join("".join(alike.get(c) or re.escape(c) for c in word) for word in words)


def _checked_query(caller, query, regex):
    if not isinstance(query, (str, re.Pattern)):
        raise TypeError(f"{caller}() takes a query of type str, not {type(query).__name__}")
    if not (query.pattern if isinstance(query, re.Pattern) else query):
        raise ValueError(f"{caller}() was given an empty query")
    return query, regex or isinstance(query, re.Pattern)


def _search(text, name, part, query, regex, ignore_case, window, max_results):
    """The passages of one text, at most `max_results` of them."""
    found, sections = [], Sections(text)
    start = end = -1
    heading, inside = "", []

    def close():
        if inside:
            found.append(Passage.make(text, start, end, heading, inside, name, part))

    for first, last in matches(text, query, regex, ignore_case):
        if first < end:
            inside.append((first, last))
            end = max(end, last)
            continue
        if max_results is not None and len(found) + bool(inside) >= max_results:
            break
        close()
        low, high, title = sections.bounds(first, last, window)
        start, end, heading, inside = max(low, end), max(high, last), title, [(first, last)]
    close()
    return found
