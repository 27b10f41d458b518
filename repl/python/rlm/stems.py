"""What the forms of a word have in common: plurals, -ed, -ing, -ation and the like of English; other words mostly stay as they are."""

# Letters that are left at least.
SHORTEST = 3
_VOWELS = frozenset("aeiouy")
# What several forms of a word end with, and what of it they all begin with.
_ENDINGS = (("ication", "", "y"), ("ation", "at", ""), ("ement", "", ""), ("ion", "", ""), ("ied", "", "y"), ("ed", "", ""), ("ing", "", ""))


def stem(word):
    """(key, beginning): equal keys for forms of one word, in lower case, all of which have the beginning."""
    if word.endswith("ies") and len(word) > 3 + SHORTEST:
        word = word[:-3] + "y"
    elif word.endswith("s") and word[-2:] not in ("ss", "us", "is") and len(word) > SHORTEST:
        word = word[:-1]
    for ending, kept, mark in _ENDINGS:
        left = word[: -len(ending)] + kept
        if word.endswith(ending) and len(left) >= SHORTEST and not _VOWELS.isdisjoint(left):
            doubled = ending in ("ed", "ing") and left[-1] == left[-2] and left[-1] not in _VOWELS and left[-1] not in "lsz"
            left = left[:-1] if doubled else left
            return left + mark, left
    if word.endswith("y") and len(word) > SHORTEST and word[-2] not in _VOWELS:
        return word, word[:-1]
    if word.endswith("e") and len(word) > SHORTEST:
        return word[:-1], word[:-1]
    return word, word
