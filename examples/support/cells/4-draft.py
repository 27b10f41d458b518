SHORT = 240


def shortened(quote):
    return quote if len(quote) <= SHORT else quote[:SHORT].rsplit(" ", 1)[0] + " …"


def heading_of(finding):
    return f"**Section {finding['number']}, {finding['name']} ({finding['id']})**"


def claims_of(finding, cut=shortened):
    if finding in unusual:
        return [cut(quote) for quote in finding["duties"]]
    if finding["duties"]:
        return [cut(min(finding["duties"], key=len))]
    return [cut(quote) for quote in finding["mentions"][:1]]


def bullet(finding, claims, remark):
    quoted = "\n".join(f"  > {claim}" for claim in claims)
    return f"- {heading_of(finding)}: {remark}\n{quoted}"


def remark_of(finding):
    if finding in unusual:
        news = "; ".join(finding["new_terms"])
        closest = f"closest prior agreement: {finding['closest']}, {finding['likeness']:.0%} alike"
        return f"the duty {news}, which no prior agreement's does ({closest})." if news else f"worded like no prior agreement ({closest})."
    if finding["duties"]:
        return f"as in {finding['closest']} ({finding['likeness']:.0%} alike)."
    return "speaks of indemnity without a duty of the reader."


def render(claims):
    def part(title, chosen):
        lines = [bullet(finding, claims[finding["index"]], remark_of(finding)) for finding in chosen if claims.get(finding["index"])]
        return [f"## {title}", *lines, ""] if lines else []

    usual = [finding for finding in with_duty if finding not in unusual]
    neutral = [finding for finding in findings if not finding["duties"] and finding["mentions"]]
    named = [finding for finding in with_duty if claims.get(finding["index"])]
    head = [
        "# Duties to indemnify",
        "",
        f"{len(named)} of {len(marks)} sections make the reader indemnify someone. "
        f"{len({name for name, _ in prior_quotes})} of {len(prior_agreements)} prior agreements do so too: "
        f"{', '.join(sorted({name for name, _ in prior_quotes})) or 'none'}.",
        "",
    ]
    unread = [f"- {heading_of(finding)} could not be read: {finding['failed']}" for finding in findings if finding["failed"]]
    return "\n".join(
        head
        + part("Unusual against the prior agreements", unusual)
        + part("As in a prior agreement", usual)
        + part("No duty of the reader", neutral)
        + (["## Left open", *unread] if unread else [])
    ).strip()


draft_claims = {finding["index"]: claims_of(finding) for finding in findings}
answer["content"] = render(draft_claims)
print(f"draft of {len(answer['content']):,} characters with {sum(map(len, draft_claims.values()))} quotes")
