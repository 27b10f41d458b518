"""Search instead of reading: located passages of texts."""

import re

# A section longer than this is not returned whole: the passage is then the paragraphs around the matches.
SECTION_CHARS = 12_000
PARAGRAPH_WINDOW = 1_500

_HEADING = re.compile(
    r"""^(?:
        \#{1,6}[ \t]+\S.*                                                     # Markdown
      | (?:ARTICLE|Article|SECTION|Section|CHAPTER|Chapter|PART|Part|SCHEDULE|Schedule|EXHIBIT|Exhibit|ANNEX|Annex|APPENDIX|Appendix)
        [ \t]+[0-9IVXLC]+[A-Z]?\b.{0,120}
      | §[ \t]*\d.{0,120}
      | \d{1,3}(?:\.\d{1,3}){0,4}[.)]?[ \t]+[A-Z"“].{0,120}                    # 1.  12.3  4)
      | [A-Z][A-Z0-9 ,;:&'’()/\-]{3,80}                                        # ALL CAPITALS
      | \S.{0,100}\n[=\-~^]{3,}                                                # underlined
      | [=\-]{3,}[ \t]\S.{0,100}[ \t][=\-]{3,}                                 # === title ===
    )[ \t]*\r?$""",
    re.MULTILINE | re.VERBOSE,
)
_BLANK = re.compile(r"\n[ \t\r]*\n|\f")


class Document(str):
    """A text that knows where it comes from. Everything a str can do, and:

    .name       file or title, '' when unknown
    .pages      list of (start, end) offsets, one for each page; empty when the format has none
    .metadata   dict
    .page_of(offset)  number of the page that holds an offset, counted from 1; None without pages
    """

    name = ""
    pages = ()
    metadata = None

    @classmethod
    def make(cls, text, name="", pages=(), metadata=None):
        document = cls(text)
        document.name = name
        document.pages = list(pages)
        document.metadata = dict(metadata or {})
        return document

    def page_of(self, offset):
        low, high = 0, len(self.pages)
        while low < high:
            middle = (low + high) // 2
            if self.pages[middle][1] <= offset:
                low = middle + 1
            else:
                high = middle
        return low + 1 if self.pages and low < len(self.pages) else None


class Passage(str):
    """A found piece of a text: the string itself is its text.

    .start, .end   offsets in the searched text: text[p.start:p.end] == p
    .heading       heading of the section, '' when there is none
    .matches       list of (start, end) offsets of the matches, in the searched text
    .document      name of the document, .page its page number (None when unknown)
    """

    start = 0
    end = 0
    heading = ""
    matches = ()
    document = ""
    page = None

    def __repr__(self):
        where = ", ".join(
            part
            for part in (
                self.document and repr(self.document),
                self.page and f"page {self.page}",
                self.heading and repr(self.heading[:80]),
                f"{self.start}-{self.end}",
                f"{len(self.matches)} match" + ("es" if len(self.matches) != 1 else ""),
            )
            if part
        )
        return f"<Passage {where}: {str.__repr__(self[:60])}{'…' if len(self) > 60 else ''}>"


def _passage(text, start, end, heading, matches, name):
    passage = Passage(text[start:end])
    passage.start, passage.end, passage.heading, passage.matches = start, end, heading, matches
    passage.document = name
    if isinstance(text, Document):
        passage.document = name or text.name
        passage.page = text.page_of(start)
    return passage


def _section_start(text, at):
    """(start, heading) of the section around an offset: the nearest heading above it, within SECTION_CHARS."""
    low = max(0, at - SECTION_CHARS)
    line_end = text.find("\n", at)
    line_end = len(text) if line_end < 0 else line_end
    found = None
    for match in _HEADING.finditer(text, low, min(line_end + 1, at + 400)):
        if match.start() > at:
            break
        if match.start() > low or low == 0 or text[low - 1] == "\n":
            found = match
    if found is None:
        return None
    return found.start(), " ".join(found.group().split("\n")[0].strip("#=-~^ \t\r").split())


def _section_end(text, start, at):
    """Offset of the next heading below, or of the end of the text; None when that is too far."""
    limit = min(len(text), start + SECTION_CHARS)
    first_line_end = text.find("\n", start)
    begin = max(at, start + 1 if first_line_end < 0 else first_line_end + 1)
    match = _HEADING.search(text, begin, min(len(text), limit + 200)) if begin < limit else None
    if match is not None and match.start() <= limit:
        return match.start()
    return len(text) if limit == len(text) else None


def _paragraphs_around(text, start, end, window):
    low = max(0, start - window)
    high = min(len(text), end + window)
    cuts = [m.end() for m in _BLANK.finditer(text, low, start)]
    low = cuts[0] if cuts and low > 0 else low
    cut = None
    for cut in _BLANK.finditer(text, end, high):
        pass
    return low, cut.start() if cut is not None and high < len(text) else high


def _matches(text, query, regex, ignore_case):
    flags = (re.IGNORECASE if ignore_case else 0) | re.MULTILINE
    if not regex and (not ignore_case or query.lower() == query.upper()):
        at = text.find(query)
        while at >= 0:
            yield at, at + len(query)
            at = text.find(query, at + len(query))
        return
    pattern = query if isinstance(query, re.Pattern) else re.compile(query if regex else re.escape(query), flags)
    for match in pattern.finditer(text):
        if match.end() > match.start():
            yield match.start(), match.end()


def search_text(text, query, *, regex=False, ignore_case=True, window=None, max_results=50):
    """Find where a text speaks of something. Returns a list of passages, in order.

        for p in search_text(contract, "indemnif"):
            print(p.heading, p.start, p.end, len(p.matches))
            print(p[:300])

    A passage is a string: the whole section around the match (sections are found by headings, numbers and blank
    lines), with .heading, .start, .end, .matches, .document, .page. Matches in one section are one passage, so passages
    do not overlap.

    text         a str, a Document, or a dict or list of them
    query        a literal text, or a regular expression with regex=True
    ignore_case  True by default
    window       characters on each side instead of whole sections
    max_results  stop after so many passages; None is all
    """
    if not isinstance(query, (str, re.Pattern)):
        raise TypeError(f"search_text() takes a query of type str, not {type(query).__name__}")
    regex = regex or isinstance(query, re.Pattern)
    if not (query.pattern if isinstance(query, re.Pattern) else query):
        raise ValueError("search_text() was given an empty query")
    found = []
    for name, part in _texts(text):
        _search(part, name, query, regex, ignore_case, window, max_results, found)
        if max_results is not None and len(found) >= max_results:
            break
    return found


def _texts(value, name=""):
    if isinstance(value, str):
        yield name or getattr(value, "name", ""), value
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, (str, dict, list, tuple)):
                yield from _texts(item, f"{name}/{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            if isinstance(item, (str, dict, list, tuple)):
                yield from _texts(item, getattr(item, "name", "") or f"{name}[{index}]")
    elif not name:
        raise TypeError(f"search_text() searches a str, or a dict or list of them, not {type(value).__name__}")


def _search(text, name, query, regex, ignore_case, window, max_results, found):
    start = end = -1
    heading, matches = "", []

    def close():
        if matches:
            found.append(_passage(text, start, end, heading, matches, name))

    for first, last in _matches(text, query, regex, ignore_case):
        if first < end:
            matches.append((first, last))
            end = max(end, last)
            continue
        if max_results is not None and len(found) + bool(matches) >= max_results:
            break
        close()
        low, high, title = _bounds(text, first, last, window)
        start, end, heading, matches = max(low, end), max(high, last), title, [(first, last)]
    close()


def _bounds(text, first, last, window):
    section = _section_start(text, first)
    title = section[1] if section else ""
    if window is not None:
        return max(0, first - window), min(len(text), last + window), title
    if section is not None:
        end = _section_end(text, section[0], last)
        if end is not None:
            return section[0], end, title
    low, high = _paragraphs_around(text, first, last, PARAGRAPH_WINDOW)
    return (max(low, section[0]) if section else low), high, title


def chunk_text(text, size=100_000, overlap=0, by="paragraph"):
    """Cut a text into pieces of at most `size` characters, at paragraph ends where possible.

    by       'paragraph' (the default), 'heading' (a piece starts at a heading), or 'size' (exact cuts)
    overlap  characters that a piece repeats of the one before

    Returns a list of Passage: strings with .start, .end and .heading. For parallel reading:
        replies = llm_query_batched([f"What does this say about fees?\\n\\n{c}" for c in chunk_text(text)])
    """
    if size <= 0 or not 0 <= overlap < size:
        raise ValueError("chunk_text() needs size > 0 and 0 <= overlap < size")
    if by not in ("paragraph", "heading", "size"):
        raise ValueError(f"chunk_text() cuts by 'paragraph', 'heading' or 'size', not {by!r}")
    chunks, start = [], 0
    while start < len(text):
        end = min(len(text), start + size)
        if end < len(text) and by != "size":
            end = _cut(text, start, end, size, by)
        title = _section_start(text, start)
        chunks.append(_passage(text, start, end, title[1] if title else "", [], ""))
        if end >= len(text):
            break
        start = max(end - overlap, start + 1)
    return chunks


def _cut(text, start, end, size, by):
    if by == "heading":
        last = None
        for last in _HEADING.finditer(text, start + size // 4, end):
            pass
        if last is not None:
            return last.start()
    for mark in ("\n\n", "\n", ". ", " "):
        at = text.rfind(mark, start + size // 2, end)
        if at > 0:
            return at + len(mark)
    return end
