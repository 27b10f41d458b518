"""Where a query occurs in a text, without a copy of the text."""

import re

# Letters that differ from an ASCII letter in case only.
_KIN = {"k": "\u212a", "s": "\u017f", "i": "\u0130\u0131"}
# Characters that are folded at a time: small enough for the caches, and no second copy of a large text.
BLOCK_CHARS = 1 << 17
# A shorter run of ASCII in a query is found too often to be of help.
SHORTEST_RUN = 3
_ASCII_RUN = re.compile(r"[\x00-\x7f]+")


def matches(text, query, regex, ignore_case):
    """(start, end) of the matches in order; none is empty, none overlaps another."""
    if isinstance(query, re.Pattern):
        return _by_pattern(text, query)
    if regex:
        return _by_pattern(text, re.compile(query, (re.IGNORECASE if ignore_case else 0) | re.MULTILINE))
    if not ignore_case or query.lower() == query.upper() == query:
        return _exact(text, query)
    run = max(_ASCII_RUN.finditer(query), key=lambda m: m.end() - m.start(), default=None)
    pattern = re.compile(re.escape(query), re.IGNORECASE)
    if run is None or (run.end() - run.start() < SHORTEST_RUN and run.group() != query):
        return _by_pattern(text, pattern)
    return _folded(text, pattern, run)


def _by_pattern(text, pattern):
    for match in pattern.finditer(text):
        if match.end() > match.start():
            yield match.span()


def _exact(text, query):
    at = text.find(query)
    while at >= 0:
        yield at, at + len(query)
        at = text.find(query, at + len(query))


def _folded(text, pattern, run):
    """Looks for a run of ASCII in the query, which is fast, and at the rest where that occurs."""
    done = 0
    for at in _occurrences(text, run.group().lower()):
        if at - run.start() >= done and (match := pattern.match(text, at - run.start())):
            yield match.span()
            done = match.end()


def _occurrences(text, needle):
    """Offsets of a lower-case ASCII text, whatever the case, also of those that overlap."""
    kin = [c for letter, others in _KIN.items() if letter in needle for c in others]
    for base in range(0, len(text), BLOCK_CHARS):
        block = text[base : base + BLOCK_CHARS + len(needle) - 1]
        if block.isascii():
            offsets = _all_in(block.lower(), needle)
        elif any(c in block for c in kin):
            offsets = _all_by_pattern(block, re.compile(re.escape(needle), re.IGNORECASE))
        else:
            offsets = _all_in_bytes(block.encode("utf-8", "surrogatepass").lower(), needle.encode())
        for at in offsets:
            yield base + at


def _all_in(block, needle):
    at = block.find(needle)
    while at >= 0:
        yield at
        at = block.find(needle, at + 1)


def _all_by_pattern(block, pattern):
    match = pattern.search(block)
    while match:
        yield match.start()
        match = pattern.search(block, match.start() + 1)


def _all_in_bytes(data, needle):
    """In characters, not bytes."""
    chars = counted = 0
    for at in _all_in(data, needle):
        chars += len(data[counted:at].decode("utf-8", "surrogatepass"))
        counted = at
        yield chars
