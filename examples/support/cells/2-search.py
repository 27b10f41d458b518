from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor

starts = [mark.start() for mark in marks]


def section_text(index):
    end = starts[index + 1] if index + 1 < len(starts) else len(contract)
    return contract[starts[index]:end].strip()


passages = search_text(contract, "indemnif", max_results=None)
candidates = sorted({bisect_right(starts, at) - 1 for passage in passages for at, _ in passage.matches})
candidates = [index for index in candidates if index >= 0]
print(f"{len(passages)} passages in {len(candidates)} of {len(marks)} sections")

TASK = """List every sentence of the section below that speaks of indemnification, word for word.
Reply with one JSON object a line, {"quote": "<the sentence>"}, or with NONE.

<section>
"""


def extract(text):
    return llm_query(TASK + text + "\n</section>")


replies = {}
if candidates:
    with ThreadPoolExecutor(max_workers=16) as pool:
        replies = dict(zip(candidates, pool.map(extract, map(section_text, candidates))))
print(f"{len(replies)} sections read, {sum(not ok(reply) for reply in replies.values())} calls failed")
