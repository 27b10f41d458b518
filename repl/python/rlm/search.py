"""Search instead of reading: located passages of texts."""

import re

from .documents import Passage, texts_of
from .matching import matches
from .passages import Hits, Passages
from .sections import Sections


def search_text(text, query, *, regex=False, ignore_case=True, window=None, max_results=50):
    """Find where a text speaks of something. Returns a list of passages, in order, that prints as a table of what is where.

        hits = search_text(contract, "indemnif")
        print(hits)                                  # of each: document, page, heading, offsets, an excerpt
        for p in hits:
            print(p.heading, p.start, p.end, len(p.matches))
            print(p[:300])
        search_text(input_data, r"(?:EUR|USD) [\\d.,]+", regex=True, window=100)

    A passage is a string: the whole section around the match (sections are found by headings, numbers, pages and blank
    lines), with .heading, .start, .end, .matches, .document, .page: text[p.start:p.end] == p. Matches in one section
    are one passage, so passages do not overlap. A text of 1 GB takes about a second.

    text         a str, a Document, or a dict or list of them
    query        a literal text, or a regular expression with regex=True (or one that re.compile made)
    ignore_case  True by default, also in a regular expression
    window       characters on each side instead of whole sections
    max_results  stop after so many passages (then .stopped of the list is True); None is all
    """
    query, regex = _checked_query("search_text", query, regex, window, max_results)
    found = Passages()
    for name, part, one in texts_of(text, "search_text"):
        room = None if max_results is None else max_results - len(found)
        passages, found.stopped = _search(one, name, part, query, regex, ignore_case, window, room)
        found.extend(passages)
        if found.stopped:
            break
    return found


def search_all(documents, query, *, regex=False, ignore_case=True, window=None, max_results=10):
    """Find which of many documents speak of something. Returns a dict: name -> passages, of those that do.

        hits = search_all(input_data, "termination")
        print(hits)                                  # what was found in each
        for name, passages in hits.items():
            print(name, [p.page or p.start for p in passages])

    The passages are those of search_text, and so are the arguments, but `max_results` counts for each document, so that a first one with many matches hides no other.
    """
    query, regex = _checked_query("search_all", query, regex, window, max_results)
    found = Hits()
    for name, part, one in texts_of(documents, "search_all"):
        room = None if max_results is None else max_results - len(found.get(name, ()))
        passages, stopped = _search(one, name, part, query, regex, ignore_case, window, room)
        if passages:
            found.setdefault(name, Passages()).extend(passages)
        if stopped and name in found:
            found[name].stopped = True
    return found


def _checked_query(caller, query, regex, window, max_results):
    if not isinstance(query, (str, re.Pattern)):
        raise TypeError(f"{caller}() takes a query of type str, not {type(query).__name__}")
    if not (query.pattern if isinstance(query, re.Pattern) else query):
        raise ValueError(f"{caller}() was given an empty query")
    for name, number in (("window", window), ("max_results", max_results)):
        if number is not None and (type(number) is not int or number < 0):
            raise ValueError(f"{caller}() takes a whole number of 0 or more, or None, as {name}")
    return query, regex or isinstance(query, re.Pattern)


def _search(text, name, part, query, regex, ignore_case, window, max_results):
    """The passages of one text, at most `max_results` of them; and whether there are more."""
    found, sections, more = [], Sections(text), False
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
            more = True
            break
        close()
        low, high, title = sections.bounds(first, last, window)
        start, end, heading, inside = max(low, end), max(high, last), title, [(first, last)]
    close()
    return found, more
