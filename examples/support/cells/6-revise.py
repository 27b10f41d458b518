def in_contract(index, claim):
    return claim in " ".join(section_text(index).split())


restored = dropped = 0
claims = {}
for finding in findings:
    index = finding["index"]
    whole = claims_of(finding, cut=lambda quote: quote)
    claims[index] = []
    for number, (claim, full) in enumerate(zip(draft_claims[index], whole), 1):
        if is_confirmed(index, number):
            claims[index].append(claim)
        elif in_contract(index, full):
            claims[index].append(full)
            restored += 1
        else:
            dropped += 1

answer["content"] = render(claims)
answer["ready"] = True
print(f"{restored} shortened quotes restored to the contract's words, {dropped} dropped, {sum(map(len, claims.values()))} stand")
