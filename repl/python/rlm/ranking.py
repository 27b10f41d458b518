"""rank: which passages speak most of something (BM25), by an index that stays in the heap."""

import heapq
import math
import re
from array import array
from bisect import bisect_right

from .chunks import cuts
from .documents import Passage, texts_of
from .matching import Folded
from .passages import Passages, focus
from .sections import Sections
from .stems import stem

# Characters of the pieces that are ranked, which end with paragraphs.
PIECE_CHARS = 2_000
# How fast a word that occurs again counts less, and how much a long piece counts less: as most have it.
SATURATION, LENGTH = 1.2, 0.75
# Entries that the indexes hold together, 8 bytes each; the index of the text that was not asked for longest goes first.
MOST_ENTRIES = 4_000_000

_WORD = re.compile(r"\w+")
# Scripts without spaces between words: two characters each count as a word.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_COMMON = frozenset(
    "a an and any are as at be been but by can did do does for from had has have how i if in into is it its may me my no not of on or our shall she should so such than that the their them then there these they this those to under was we were what when where which while who whom whose why will with would you your".split()
)


def rank(documents, query, k=10, *, each=None):
    """Find the passages that speak most of something, the best first: for a question in many words, where search_text finds one.

        for p in rank(input_data, "who must indemnify whom for patent infringement", k=20):
            print(p.document, p.heading, round(p.score, 1), p[:200])
        print(rank(input_data, "late payment interest", each=1))      # the best passage of each document

    A passage is a string of about 2,000 characters, whole paragraphs, with .score, .start, .end, .matches (the words of
    the query), .heading, .document, .page. It need not hold all words: rare ones count more, and so do several (BM25).
    Words match whatever their case and common English endings: "indemnify" finds "indemnification". Words like "the" do
    not count. The index of a text stays in the session: a second question is faster.

    documents  a str, a Document, or a dict or list of them
    query      words; their order does not count
    k          so many passages
    each       at most so many of each document
    """
    if not isinstance(query, str):
        raise TypeError(f"rank() takes a query of type str, not {type(query).__name__}")
    terms = _terms_of(query)
    if not terms:
        raise ValueError("rank() was given a query without a word")
    if k < 1 or each is not None and each < 1:
        raise ValueError("rank() needs k > 0 and each > 0")
    texts = [(name, part, one, _index_of(one)) for name, part, one in texts_of(documents, "rank")]
    best = _best(texts, terms, k, each)
    _forget_oldest()
    return Passages.make(_passage(*texts[at], unit, score, terms) for score, at, unit in best)


def _best(texts, terms, k, each):
    """(score, number of the text, number of the piece) of the best pieces."""
    count = sum(len(index.starts) for _, _, _, index in texts)
    mean = sum(len(one) for _, _, one, _ in texts) / max(1, count)
    scores = {}
    for term in terms:
        found = [(at, index.pieces_with(term, one)) for at, (_, _, one, index) in enumerate(texts)]
        holding = sum(len(units) for _, (units, _) in found)
        weight = math.log(1 + (count - holding + 0.5) / (holding + 0.5))
        for at, (units, times) in found:
            starts, ends = texts[at][3].starts, texts[at][3].ends
            for unit, often in zip(units, times):
                length = (ends[unit] - starts[unit]) / mean
                gain = weight * often * (SATURATION + 1) / (often + SATURATION * (1 - LENGTH + LENGTH * length))
                scores[at, unit] = scores.get((at, unit), 0.0) + gain
    ordered = ((-score, at, unit) for (at, unit), score in scores.items())
    if each is None:
        chosen = heapq.nsmallest(k, ordered)
    else:
        chosen, taken = [], {}
        for one in sorted(ordered):
            name = texts[one[1]][0] or one[1]
            taken[name] = taken.get(name, 0) + 1
            if taken[name] <= each:
                chosen.append(one)
            if len(chosen) == k:
                break
    return [(-score, at, unit) for score, at, unit in chosen]


def _passage(name, part, text, index, unit, score, terms):
    start, end = index.starts[unit], index.ends[unit]
    matches = sorted({span for term in terms for span in term.spans(text, start, end)})
    section = Sections(text).above(focus(matches))
    passage = Passage.make(text, start, end, section[1] if section else "", matches, name, part)
    passage.score = score
    return passage


class _Index:
    """The pieces of a text, and which of them hold a word; looked up when a query has it for the first time."""

    def __init__(self, text):
        bounds = list(cuts(text, PIECE_CHARS, 0, "paragraph"))
        self.starts = array("I", (start for start, _ in bounds))
        self.ends = array("I", (end for _, end in bounds))
        self._held = {}

    @property
    def entries(self):
        return len(self.starts) + sum(len(units) + 8 for units, _ in self._held.values())

    def pieces_with(self, term, text):
        """(numbers of the pieces in order, how often each)"""
        held = self._held.get(term.key)
        if held is None:
            units, times = array("I"), array("I")
            last = -1
            for start, _ in term.spans(text, 0, len(text)):
                unit = bisect_right(self.starts, start) - 1
                if unit == last:
                    times[-1] += 1
                else:
                    units.append(unit)
                    times.append(1)
                    last = unit
            held = self._held[term.key] = units, times
        return held


# (length, hash) of a text -> its index. By content: the index of a text that is loaded again is found again, and one that is gone is not kept.
_indexes = {}


def _index_of(text):
    key = len(text), str.__hash__(text)
    index = _indexes.pop(key, None) or _Index(text)
    _indexes[key] = index
    return index


def _forget_oldest():
    entries = {key: index.entries for key, index in _indexes.items()}
    total = sum(entries.values())
    while total > MOST_ENTRIES and len(entries) > 1:
        oldest = next(iter(entries))
        total -= entries.pop(oldest)
        del _indexes[oldest]


def _terms_of(query):
    words = list(dict.fromkeys(_WORD.findall(query.lower())))
    terms = {}
    for word in [word for word in words if word not in _COMMON] or words:
        pairs = [pair for run in _UNSPACED.findall(word) for pair in [*map("".join, zip(run, run[1:]))] or [run]]
        for term in [*map(_Pair, pairs), *map(_Word, _UNSPACED.sub(" ", word).split())]:
            terms.setdefault(term.key, term)
    return list(terms.values())


class _Word:
    """A word with its common endings."""

    def __init__(self, word):
        self.key, begins = stem(word)
        self._begins = Folded(begins)
        self._same = {}

    def spans(self, text, start, end):
        same = self._same
        for low, _ in self._begins.matches(text if end - start == len(text) else text[start:end]):
            low += start
            if low > 0 and (text[low - 1].isalnum() or text[low - 1] == "_"):
                continue
            match = _WORD.match(text, low)
            word = match.group()
            if word not in same:
                same[word] = stem(word.lower())[0] == self.key
            if same[word]:
                yield match.span()


class _Pair:
    """Two characters of a script without spaces, wherever they stand."""

    def __init__(self, pair):
        self.key = pair

    def spans(self, text, start, end):
        at = text.find(self.key, start, end)
        while at >= 0:
            yield at, at + len(self.key)
            at = text.find(self.key, at + len(self.key), end)
