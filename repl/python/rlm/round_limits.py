"""How many calls of a kind one round holds, and what those beyond it are told."""

from .replies import make_reply

# As in protocol/caps.ts, by kind of call: the limit, what is counted, and what is done with it. Sub-calls have none of
# their own. Here and not in the cell's input: a waiting cell that is replayed must turn away the same calls.
LIMITS = {
    "rlm": (100, "sub-runs", "started", "start"),
    "human": (20, "questions to a person", "asked", "ask"),
    "tool": (1000, "calls of tools", "made", "make"),
}


def split(calls):
    """(those that the round holds, those beyond it as (call, failed reply)), each in the order of the calls."""
    counts = dict.fromkeys(LIMITS, 0)
    held, beyond = [], []
    for call in calls:
        if call.kind in LIMITS:
            counts[call.kind] += 1
            most, what, done, do = LIMITS[call.kind]
            if counts[call.kind] > most:
                text = f"not {done}: at most {most:,} {what} in one round; {do} the others in another cell or round"
                beyond.append((call, make_reply({"status": "failed", "type": "Round.TooMany"}, text)))
                continue
        held.append(call)
    return held, beyond


def notes(kinds):
    """What the cell is told at its end of the calls that were turned away, whose kinds these are."""
    return [
        f"{count:,} {what} not {done}: at most {most:,} in one round; {do} the others in another cell or round"
        for kind, (most, what, done, do) in LIMITS.items()
        if (count := kinds.count(kind))
    ]
