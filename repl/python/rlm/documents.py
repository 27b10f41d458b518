"""Texts that know where they come from: Document, the passages of one, and a text in parts."""


class Document(str):
    """A text that knows where it comes from. Everything a str can do, and:

    .name             file or title, '' when unknown
    .pages            list of (start, end) offsets, one for each page; empty when the format has none
    .metadata         dict
    .first_page       number of its first page; 1 but in later parts of a text in parts
    .page_of(offset)  number of the page that holds an offset; None without pages
    .page(number)     the text of a page, as a Passage
    """

    name = ""
    pages = ()
    metadata = None
    first_page = 1

    @classmethod
    def make(cls, text, name="", pages=(), metadata=None, first_page=1):
        # A large one was made as a document, in place: a copy would take its memory twice.
        document = text if type(text) is cls else cls(text)
        document.name = name
        document.pages = [tuple(page) for page in pages]
        document.metadata = dict(metadata or {})
        document.first_page = first_page
        return document

    def page_of(self, offset):
        low, high = 0, len(self.pages)
        while low < high:
            middle = (low + high) // 2
            if self.pages[middle][1] <= offset:
                low = middle + 1
            else:
                high = middle
        return low + self.first_page if low < len(self.pages) else None

    def page(self, number):
        index = number - self.first_page
        if not 0 <= index < len(self.pages):
            raise IndexError(f"{self.name or 'the document'} has no page {number}: {self._pages_told()}")
        start, end = self.pages[index]
        return Passage.make(self, start, end)

    def _pages_told(self):
        if not self.pages:
            return "it has no pages"
        return f"its pages are {self.first_page} to {self.first_page + len(self.pages) - 1}"


class Passage(str):
    """A piece of a text: the string itself is its text.

    .start, .end   offsets in the text: text[p.start:p.end] == p
    .heading       heading of the section, '' when there is none
    .matches       list of (start, end) offsets of the matches, in the text
    .document      name of the document, '' when unknown
    .page          number of the page of its first match, or where it starts; None when unknown
    .part          index of the part, for a text in parts: parts[p.part][p.start:p.end] == p; else None
    """

    start = 0
    end = 0
    heading = ""
    matches = ()
    document = ""
    page = None
    part = None
    score = None

    @classmethod
    def make(cls, text, start, end, heading="", matches=(), name="", part=None):
        passage = cls(text[start:end])
        passage.start, passage.end = start, end
        passage.heading, passage.matches = heading, list(matches)
        passage.document, passage.part = name, part
        if isinstance(text, Document):
            passage.document = name or text.name
            passage.page = text.page_of(passage.matches[0][0] if passage.matches else start)
        return passage

    def __repr__(self):
        count = len(self.matches)
        where = (
            self.document and repr(self.document),
            self.part is not None and f"part {self.part}",
            self.page and f"page {self.page}",
            self.heading and repr(self.heading[:80]),
            f"{self.start}-{self.end}",
            count and f"{count} match{'' if count == 1 else 'es'}",
        )
        beginning = f"{str.__repr__(self[:60])}{'…' if len(self) > 60 else ''}"
        return f"<Passage {', '.join(part for part in where if part)}: {beginning}>"


class Parts(list):
    """A text that is too large for one str: a list of Documents, cut at paragraphs, that is searched as one text.

    .name, .metadata  as of a Document
    .chars            characters of all parts
    """

    name = ""
    metadata = None

    @classmethod
    def make(cls, documents, name="", metadata=None):
        parts = cls(documents)
        parts.name = name
        parts.metadata = dict(metadata or {})
        return parts

    @property
    def chars(self):
        return sum(len(part) for part in self)

    def __repr__(self):
        return f"<Parts {self.name!r}: {len(self)} parts, {self.chars:,} characters>"


def texts_of(value, caller, name=""):
    """(name, part or None, text) of each text in a text, a text in parts, or a dict or list of them."""
    if isinstance(value, str):
        yield name or getattr(value, "name", ""), None, value
    elif isinstance(value, Parts):
        for part, text in enumerate(value):
            yield name or value.name, part, text
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts_in(item, caller, f"{name}/{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _texts_in(item, caller, getattr(item, "name", "") or f"{name}[{index}]")
    else:
        raise TypeError(f"{caller}() takes a str, or a dict or list of them, not {type(value).__name__}")


def _texts_in(item, caller, name):
    if isinstance(item, (str, dict, list, tuple)):
        yield from texts_of(item, caller, name)
