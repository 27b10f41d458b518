"""What a search gives: a list of passages that prints as a table of what was found where."""

# Characters shown of a passage, around its first match.
EXCERPT_CHARS = 240
HEADING_CHARS = 80


class Passages(list):
    """A list of Passage. Printed, it tells of each where it is and what stands around its first match.

    .stopped  True when the search ended at its limit: there may be more
    """

    stopped = False

    @classmethod
    def make(cls, passages, stopped=False):
        made = cls(passages)
        made.stopped = stopped
        return made

    def __getitem__(self, index):
        found = list.__getitem__(self, index)
        return Passages(found) if isinstance(index, slice) else found

    def __add__(self, other):
        return Passages(list.__add__(self, other))

    def __repr__(self):
        if not self:
            return "[]"
        rows = [f"{len(self):,} passage{'' if len(self) == 1 else 's'}"]
        for index, passage in enumerate(self):
            if isinstance(passage, str) and hasattr(passage, "matches"):
                rows += [f"[{index}] {where(passage)}", f"    {excerpt(passage)}"]
            else:
                rows.append(f"[{index}] {passage!r}")
        if self.stopped:
            rows.append(f"(stopped at max_results={len(self)}: there may be more)")
        return "\n".join(rows)

    __str__ = __repr__


class Hits(dict):
    """name -> Passages. Printed, it tells what was found in each document."""

    def __repr__(self):
        if not self:
            return "{}"
        head = f"{len(self):,} document{'' if len(self) == 1 else 's'}"
        return "\n".join([head, *(f"{name or '(no name)'}: {passages!r}" for name, passages in self.items())])

    __str__ = __repr__


def where(passage):
    """One line: document, page, heading, offsets, and how often it matches."""
    count, score = len(passage.matches), getattr(passage, "score", None)
    told = (
        passage.document,
        passage.part is not None and f"part {passage.part}",
        passage.page and f"page {passage.page}",
        passage.heading and _short(passage.heading),
        f"{passage.start}-{passage.end}",
        count and f"{count} match{'' if count == 1 else 'es'}",
        score is not None and f"score {score:.2f}",
    )
    return " · ".join(one for one in told if one)


def excerpt(passage):
    """What stands where most matches are, on one line."""
    text = str.__str__(passage)
    first = focus(passage.matches) - passage.start if passage.matches else 0
    low = max(0, min(first - EXCERPT_CHARS // 3, len(text) - EXCERPT_CHARS))
    high = min(len(text), low + EXCERPT_CHARS)
    return f"{'…' if low else ''}{' '.join(text[low:high].split())}{'…' if high < len(text) else ''}"


def focus(matches):
    """Start of the first match behind which most others follow within an excerpt."""
    best = most = behind = 0
    for index, (start, _) in enumerate(matches):
        while behind < len(matches) and matches[behind][0] < start + EXCERPT_CHARS // 2:
            behind += 1
        if behind - index > most:
            best, most = start, behind - index
    return best


def _short(heading):
    return heading if len(heading) <= HEADING_CHARS else heading[: HEADING_CHARS - 1] + "…"
