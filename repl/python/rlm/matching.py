"""Where a query occurs in a text, without a copy of the text."""

import re

from .required import required_literal

# Characters that are looked at together: small enough for the caches, and no second copy of a large text.
BLOCK_CHARS = 1 << 17
# A character that occurs less than once in so many is rare; so many of a query are looked at, again after so many blocks.
RARE_CHARS = 2_000
LOOKED_AT = 8
LOOK_EACH = 64
# Of a rare character, in vain, one behind the other.
FEW_RARE = 100
# A place that is tried in vain takes as long as the pattern takes for so many characters, with and without regard to case.
TRIED_CHARS = 2_000
TRIED_CHARS_FOLDED = 200
# As many say nothing yet.
FEW_TRIED = 200
# Every character whose case could be another one.
_CASED = "".join(c for c in map(chr, range(0x20000)) if not c.lower() == c.upper() == c)


def matches(text, query, regex, ignore_case):
    """(start, end) of the matches in order; none is empty, none overlaps another."""
    if isinstance(query, re.Pattern):
        return _by_pattern(text, query)
    if regex:
        return _by_pattern(text, re.compile(query, (re.IGNORECASE if ignore_case else 0) | re.MULTILINE))
    if not ignore_case or query.lower() == query.upper() == query:
        return _exact(text, query)
    return Folded(query).matches(text)


def _by_pattern(text, pattern):
    required = required_literal(pattern)
    if required is None:
        return _all_by_pattern(text, pattern)
    literal, least, most = required
    found = Folded(literal, overlapping=True).matches if pattern.flags & re.IGNORECASE else _Plain(literal).matches
    return _around(text, pattern, found, least, most)


def _all_by_pattern(text, pattern, start=0):
    for match in pattern.finditer(text, start):
        if match.end() > match.start():
            yield match.span()


def _around(text, pattern, occurrences, least, most):
    """What every match holds is found faster than the pattern, which then is tried only where it may begin."""
    folded = pattern.flags & re.IGNORECASE
    cost = TRIED_CHARS_FOLDED if folded else TRIED_CHARS
    done = tried = misses = 0
    for at, _ in occurrences(text):
        if at < done + least:
            continue
        for start in range(max(done, tried, at - most), at - least + 1):
            match = pattern.match(text, start)
            if match:
                yield match.span()
                done = match.end()
                break
            misses += 1
        tried = at - least + 1
        if misses > FEW_TRIED and misses * cost > at:
            # Too many for it to be of help.
            yield from _all_by_pattern(text, pattern, max(done, tried))
            return


def _exact(text, query):
    return _Plain(query, overlapping=False).matches(text)


class _Plain:
    """Occurrences of a text as it stands."""

    def __init__(self, query, overlapping=True):
        self._query = query
        self._step = 1 if overlapping else len(query)

    def matches(self, text):
        query, step = self._query, self._step
        at = text.find(query)
        while at >= 0:
            yield at, at + len(query)
            at = text.find(query, at + step)


class Folded:
    """Occurrences of a text whatever the case, as `re.IGNORECASE` has it, of one length with the text."""

    def __init__(self, query, overlapping=False):
        self._pattern = re.compile(re.escape(query), re.IGNORECASE)
        self._length = len(query)
        self._overlapping = overlapping
        kin = [_kin_of(c) for c in query]
        ascii_kin = ["".join(sorted(c for c in one if c < "\x80"))[-1:] for one in kin]
        # In a text of ASCII: the query in lower case; None when it cannot occur there.
        self._lower = "".join(ascii_kin).lower() if all(ascii_kin) else None
        self._table, self._key = _keys_of(query, kin)

    def matches(self, text):
        length, match = self._length, self._pattern.match
        done = 0
        rare = None
        for number, base in enumerate(range(0, len(text) - length + 1, BLOCK_CHARS)):
            block = text[base : base + BLOCK_CHARS + length - 1]
            if block.isascii():
                if self._lower is None:
                    continue
                data, needle, sure = block.lower(), self._lower, True
            else:
                data, needle, sure = _low_bytes(block).translate(self._table), self._key, False
            if number % LOOK_EACH == 0:
                rare = _rarest(data, needle)
            at = _find(data, needle, rare, max(0, done - base))
            while at >= 0:
                if sure or match(text, base + at):
                    yield base + at, base + at + length
                    done = base + at + (1 if self._overlapping else length)
                    at = _find(data, needle, rare, done - base)
                else:
                    at = _find(data, needle, rare, at + 1)


def _rarest(data, needle):
    """Where in the needle a character stands that the block hardly has; None when there is none."""
    best, least = None, len(data) // RARE_CHARS
    for offset in {needle[i : i + 1]: i for i in range(min(LOOKED_AT, len(needle)))}.values():
        often = data.count(needle[offset : offset + 1])
        if often < least:
            best, least = offset, often
    return best


def _find(data, needle, rare, start):
    """As `data.find(needle, start)`. One character is found several times as fast as a few, so a rare one is looked for."""
    if rare is None:
        return data.find(needle, start)
    c = needle[rare : rare + 1]
    at = data.find(c, start + rare)
    tried = 0
    while at >= 0:
        if data.startswith(needle, at - rare):
            return at - rare
        tried += 1
        if tried > FEW_RARE:
            # Not so rare any more.
            return data.find(needle, at - rare + 1)
        at = data.find(c, at + 1)
    return -1


def _kin_of(c):
    """The characters that are the same whatever the case."""
    return _LETTERS.get(c) or {c, *re.findall(re.escape(c), _CASED, re.IGNORECASE)}


_LETTERS = {}
_LETTERS.update((c, _kin_of(c)) for c in map(chr, range(128)))


def _keys_of(query, kin):
    """A table for bytes and the query under it. Two characters that are the same whatever the case have the same key in
    it, the table's entry for their lowest byte; others may have, too."""
    key = list(range(256))
    for c, others in zip(query, kin):
        low = {ord(other) & 255 for other in others}
        merged = {key[one] for one in low}
        if len(merged) > 1:
            least = min(merged)
            key = [least if k in merged else k for k in key]
    table = bytes(key)
    return table, bytes(table[ord(c) & 255] for c in query)


def _low_bytes(block):
    """The lowest byte of each character."""
    try:
        return block.encode("latin-1")
    except UnicodeEncodeError:
        return block.encode("utf-32-le", "surrogatepass")[::4]
