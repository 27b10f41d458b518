"""What every match of a regular expression holds: a literal, by which its matches are found faster."""

from re import _constants as kinds
from re import _parser as parser

# A shorter literal occurs too often to be of help.
SHORTEST = 4
# Places at which a match may begin before its literal, and that are tried one by one.
MOST_STARTS = 24


def required_literal(pattern):
    """(literal, least, most): each match holds the literal, `least` to `most` characters behind its start. None when there is no good one."""
    if not isinstance(pattern.pattern, str):
        return None
    parsed = parser.parse(pattern.pattern, pattern.flags)
    best, run = None, []
    for i, (kind, value) in enumerate([*parsed.data, (None, None)]):
        if kind is kinds.LITERAL:
            run.append(chr(value))
            continue
        if len(run) >= SHORTEST and (best is None or len(run) > len(best[0])):
            least, most = parsed[: i - len(run)].getwidth()
            if most - least < MOST_STARTS:
                best = "".join(run), least, most
        run = []
    return best
