"""Sections of a text: found by headings, numbers, pages and blank lines."""

import re
from bisect import bisect_left, bisect_right

# A section longer than this is not returned whole: the passage is then the paragraphs around the matches.
SECTION_CHARS = 12_000
PARAGRAPH_WINDOW = 1_500
# Characters that are looked at together, for headings; and of a line, where one must end.
STEP_CHARS = 4_000
LINE_CHARS = 2_000
# Headings that are remembered, about.
KEPT = 1_000
_UNDERLINES = "=-~^"

_FORMS = r"""(?P<heading>
        \#{1,6}[ \t]+\S.*                                                     # Markdown
      | (?:ARTICLE|Article|SECTION|Section|CHAPTER|Chapter|PART|Part|SCHEDULE|Schedule|EXHIBIT|Exhibit|ANNEX|Annex|APPENDIX|Appendix)
        [ \t]+[0-9IVXLC]+[A-Z]?\b.{0,120}
      | §[ \t]*\d.{0,120}
      | \d{1,3}(?:\.\d{1,3}){0,4}[.)]?[ \t]+[A-Z"“].{0,120}                    # 1.  12.3  4)
      | \d{1,3}(?:\.\d{1,3}){1,4}[.)]?[ \t]+[A-Z"“].+                         # 12.3 Title. And the text of the clause behind it
      | [A-Z][A-Z0-9 ,;:&'’()/\-]{3,80}                                        # ALL CAPITALS
      | \S.{0,100}\n[=\-~^]{3,}                                                # underlined
      | [=\-]{3,}[ \t]\S.{0,100}[ \t][=\-]{3,}                                 # === title ===
    )[ \t]*\r?$"""
_FIRST = re.compile(_FORMS, re.MULTILINE | re.VERBOSE)
# With the end of the line before it: that is looked for fast.
_LATER = re.compile(r"[\n\f]" + _FORMS, re.MULTILINE | re.VERBOSE)
TITLE_CHARS = 120
_SENTENCE = re.compile(r"[a-z)\]\"”][.:;](?= )")
_BLANK = re.compile(r"\n[ \t\r]*\n|\f")


def headings(text, low, high):
    """(start, text) of the headings in a part of a text, in order. The part begins and ends with a line, or cuts only lines that are longer than headings."""
    if low == 0:
        match = _FIRST.match(text, 0, high)
        if match:
            yield 0, match["heading"]
            low = match.end()
    for match in _LATER.finditer(text, max(0, low - 1), high):
        yield match.start("heading"), match["heading"]


class Sections:
    """The sections of a text, asked for at growing offsets: what was looked at is not looked at again."""

    def __init__(self, text):
        self._text = text
        # Headings that begin before `_seen`, as far back as anybody may ask for them.
        self._seen = 0
        self._starts, self._lines = [], []
        self._last = None

    def above(self, at):
        """(start, heading) of the section that holds an offset: the nearest heading above it, within SECTION_CHARS; else None."""
        if at - SECTION_CHARS > self._seen:
            self._starts, self._lines, self._seen = [], [], at - SECTION_CHARS
        while self._seen <= at and self._see_more():
            pass
        index = bisect_right(self._starts, at) - 1
        if index > KEPT:
            del self._starts[: index - 1], self._lines[: index - 1]
            index = 1
        if index < 0 or at - self._starts[index] > SECTION_CHARS:
            return None
        if self._last is None or self._last[0] != self._starts[index]:
            self._last = self._starts[index], _title(self._lines[index])
        return self._last

    def bounds(self, first, last, window):
        """(start, end, heading) of the passage around a match."""
        text, section = self._text, self.above(first)
        title = section[1] if section else ""
        if window is not None:
            return max(0, first - window), min(len(text), last + window), title
        if section is not None:
            end = self._end(section[0], last)
            if end is not None:
                return section[0], end, title
        low, high = _page_around(text, first, last) or _paragraphs_around(text, first, last, PARAGRAPH_WINDOW)
        return (max(low, section[0]) if section else low), high, title

    def _end(self, start, at):
        """Offset of the next heading below, or of the end of the text; None when that is too far."""
        limit = start + SECTION_CHARS
        first_line_end = self._text.find("\n", start)
        begin = max(at, start + 1 if first_line_end < 0 else first_line_end + 1)
        while True:
            index = bisect_left(self._starts, begin)
            if index < len(self._starts):
                return self._starts[index] if self._starts[index] <= limit else None
            if self._seen > limit or not self._see_more():
                return len(self._text) if limit >= len(self._text) else None

    def _see_more(self):
        """Looks at the next lines. False at the end of the text."""
        text, low = self._text, self._seen
        if low >= len(text):
            return False
        high = _line_end(text, low + STEP_CHARS)
        # A line below it may make one a heading.
        while high < len(text) and text[high] in _UNDERLINES:
            high = _line_end(text, high)
        for start, line in headings(text, low, high):
            self._starts.append(start)
            self._lines.append(line)
        self._seen = high
        return True


def _line_end(text, at):
    """Behind the end of a line; where there is none for long, behind more than a heading has."""
    end = text.find("\n", at, at + LINE_CHARS)
    return min(len(text), end + 1 if end >= 0 else at + LINE_CHARS)


def _title(found):
    """What a heading says: of a clause that begins on its line, the first sentence."""
    line = " ".join(found.split("\n")[0].strip("#=-~^ \t\r").split())
    if len(line) <= TITLE_CHARS:
        return line
    end = _SENTENCE.search(line, 8, TITLE_CHARS)
    return line[: end.end()] if end else line[: TITLE_CHARS - 1] + "…"


def _page_around(text, first, last):
    """Bounds of the page that holds a match; None for a text without pages, and for pages that are too long."""
    pages = getattr(text, "pages", ())
    number = text.page_of(first) if pages else None
    if number is None:
        return None
    start, end = pages[number - text.first_page]
    return (start, max(end, last)) if start <= first and end - start <= SECTION_CHARS else None


def _paragraphs_around(text, start, end, window):
    low = max(0, start - window)
    high = min(len(text), end + window)
    cuts = [m.end() for m in _BLANK.finditer(text, low, start)]
    low = cuts[0] if cuts and low > 0 else low
    cut = None
    for cut in _BLANK.finditer(text, end, high):
        pass
    return low, cut.start() if cut is not None and high < len(text) else high
