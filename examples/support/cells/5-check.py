CHECK = """Say for each of the numbered claims below whether it occurs word for word in the section below (line breaks do not count).
Reply with one line a claim: its number, a space, and YES or NO.

"""


def check_prompt(index):
    claims = "\n".join(f"{number}. {claim}" for number, claim in enumerate(draft_claims[index], 1))
    return CHECK + "<claims>\n" + claims + "\n</claims>\n\n<section>\n" + section_text(index) + "\n</section>"


to_check = [index for index, claims in draft_claims.items() if claims]
verdicts = dict(zip(to_check, llm_query_batched([check_prompt(index) for index in to_check])))


def is_confirmed(index, number):
    reply = verdicts[index]
    return ok(reply) and re.search(rf"^{number} YES$", reply, re.M) is not None


doubted = [
    (index, number)
    for index in to_check
    for number in range(1, len(draft_claims[index]) + 1)
    if not is_confirmed(index, number)
]
print(f"{sum(len(draft_claims[index]) for index in to_check)} quotes checked in {len(to_check)} sections, {len(doubted)} not found word for word")
for index, number in doubted[:5]:
    print(f"  section {marks[index].group(1)}: {draft_claims[index][number - 1][-60:]!r}")
