"""chunk_text: a text cut into pieces for parallel reading."""

from .documents import Passage, texts_of
from .sections import Sections, headings

WAYS = ("paragraph", "heading", "page", "tokens", "size")
# Characters a token of English. A character beyond ASCII counts as a token of its own: an estimate that rather cuts early.
CHARS_A_TOKEN = 4


def chunk_text(text, size=None, overlap=0, by="paragraph"):
    """Cut a text into pieces of at most `size` characters, at paragraph ends where possible.

        replies = llm_query_batched([f"What does this say about fees?\\n\\n{c}" for c in chunk_text(text)])

    by       'paragraph' (the default), 'heading' (a piece starts at a heading), 'page' (whole pages of a Document),
             'tokens' (at paragraph ends; `size` and `overlap` in tokens, estimated), or 'size' (exact cuts)
    size     100,000 characters, or 25,000 tokens, if not given
    overlap  what a piece repeats of the one before

    Returns a list of Passage: strings with .start, .end, .heading, .document, .page. A dict or list of texts gives the
    pieces of all of them.
    """
    if by not in WAYS:
        raise ValueError(f"chunk_text() cuts by {', '.join(map(repr, WAYS[:-1]))} or {WAYS[-1]!r}, not {by!r}")
    if size is None:
        size = 100_000 if by != "tokens" else 100_000 // CHARS_A_TOKEN
    if size <= 0 or not 0 <= overlap < size:
        raise ValueError("chunk_text() needs size > 0 and 0 <= overlap < size")
    pieces = []
    for name, part, one in texts_of(text, "chunk_text"):
        sections = Sections(one)
        for start, end in cuts(one, size, overlap, by):
            section = sections.above(start)
            pieces.append(Passage.make(one, start, end, section[1] if section else "", (), name, part))
    return pieces


def cuts(text, size, overlap, by):
    if by == "page" and not getattr(text, "pages", None):
        by = "paragraph"
    start = reached = 0
    while reached < len(text):
        end = min(len(text), start + (size * CHARS_A_TOKEN if by == "tokens" else size))
        if by == "tokens":
            end = _token_end(text, start, end, size)
        if end < len(text) and by != "size":
            end = _end(text, start, end, by)
        if end <= reached:
            # What is repeated leaves no room for more.
            start = reached
            continue
        yield start, end
        reached = end
        start = max(end - (overlap * CHARS_A_TOKEN if by == "tokens" else overlap), start + 1)


def _token_end(text, start, end, tokens):
    """The last offset up to which it is no more than so many tokens."""
    while end > start + 1:
        piece = text[start:end]
        ascii_chars = len(piece.encode("ascii", "ignore"))
        estimate = ascii_chars / CHARS_A_TOKEN + len(piece) - ascii_chars
        if estimate <= tokens:
            break
        end = start + max(1, min(end - start - 1, int((end - start) * tokens / estimate)))
    return end


def _end(text, start, end, by):
    """A good place for a cut, in the second half of the piece where there is one."""
    if by == "page":
        ends = [page_end for _, page_end in text.pages if start < page_end <= end]
        if ends:
            return ends[-1]
    if by == "heading":
        begin = text.find("\n", start + (end - start) // 4, end) + 1
        last = max((at for at, _ in headings(text, begin, end)), default=start) if begin else start
        if last > start:
            return last
    for mark in ("\n\n", "\n", ". ", " "):
        at = text.rfind(mark, start + (end - start) // 2, end)
        if at > start:
            return at + len(mark)
    return end
