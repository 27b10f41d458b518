"""Sections of a text: found by headings, numbers, pages and blank lines."""

import re

# A section longer than this is not returned whole: the passage is then the paragraphs around the matches.
SECTION_CHARS = 12_000
PARAGRAPH_WINDOW = 1_500
# A heading may begin on the line of a match and end a little behind it.
HEADING_REACH = 400

HEADING = re.compile(
    r"""(?:^|(?<=\f))(?:
        \#{1,6}[ \t]+\S.*                                                     # Markdown
      | (?:ARTICLE|Article|SECTION|Section|CHAPTER|Chapter|PART|Part|SCHEDULE|Schedule|EXHIBIT|Exhibit|ANNEX|Annex|APPENDIX|Appendix)
        [ \t]+[0-9IVXLC]+[A-Z]?\b.{0,120}
      | §[ \t]*\d.{0,120}
      | \d{1,3}(?:\.\d{1,3}){0,4}[.)]?[ \t]+[A-Z"“].{0,120}                    # 1.  12.3  4)
      | \d{1,3}(?:\.\d{1,3}){1,4}[.)]?[ \t]+[A-Z"“].+                         # 12.3 Title. And the text of the clause behind it
      | [A-Z][A-Z0-9 ,;:&'’()/\-]{3,80}                                        # ALL CAPITALS
      | \S.{0,100}\n[=\-~^]{3,}                                                # underlined
      | [=\-]{3,}[ \t]\S.{0,100}[ \t][=\-]{3,}                                 # === title ===
    )[ \t]*\r?$""",
    re.MULTILINE | re.VERBOSE,
)
TITLE_CHARS = 120
_SENTENCE = re.compile(r"[a-z)\]\"”][.:;](?= )")
_BLANK = re.compile(r"\n[ \t\r]*\n|\f")


class Sections:
    """The sections of a text, asked for at growing offsets: what was looked at is not looked at again."""

    def __init__(self, text):
        self._text = text
        self._seen = 0
        self._last = None

    def above(self, at):
        """(start, heading) of the section that holds an offset: the nearest heading above it, within SECTION_CHARS; else None."""
        text = self._text
        low = max(self._seen, at - SECTION_CHARS)
        line_end = text.find("\n", at, at + HEADING_REACH)
        high = min(len(text), at + HEADING_REACH if line_end < 0 else line_end + 1)
        for match in HEADING.finditer(text, low, high):
            if match.start() > at:
                break
            self._last = match
        self._seen = max(self._seen, text.rfind("\n", low, at) + 1)
        if self._last is None or at - self._last.start() > SECTION_CHARS:
            return None
        return self._last.start(), _title(self._last.group())

    def bounds(self, first, last, window):
        """(start, end, heading) of the passage around a match."""
        text, section = self._text, self.above(first)
        title = section[1] if section else ""
        if window is not None:
            return max(0, first - window), min(len(text), last + window), title
        if section is not None:
            end = _end_of(text, section[0], last)
            if end is not None:
                return section[0], end, title
        low, high = _page_around(text, first, last) or _paragraphs_around(text, first, last, PARAGRAPH_WINDOW)
        return (max(low, section[0]) if section else low), high, title


def _title(found):
    """What a heading says: of a clause that begins on its line, the first sentence."""
    line = " ".join(found.split("\n")[0].strip("#=-~^ \t\r").split())
    if len(line) <= TITLE_CHARS:
        return line
    end = _SENTENCE.search(line, 8, TITLE_CHARS)
    return line[: end.end()] if end else line[: TITLE_CHARS - 1] + "…"


def _end_of(text, start, at):
    """Offset of the next heading below, or of the end of the text; None when that is too far."""
    limit = min(len(text), start + SECTION_CHARS)
    first_line_end = text.find("\n", start)
    begin = max(at, start + 1 if first_line_end < 0 else first_line_end + 1)
    match = HEADING.search(text, begin, min(len(text), limit + 200)) if begin < limit else None
    if match is not None and match.start() <= limit:
        return match.start()
    return len(text) if limit == len(text) else None


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
