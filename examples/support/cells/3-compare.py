import json


def quotes_of(reply):
    found = []
    for line in reply.splitlines() if ok(reply) else []:
        try:
            found.append(" ".join(json.loads(line)["quote"].split()))
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
    return found


def is_duty(quote):
    return re.search(r"\bindemnif(y|ies)\b", quote, re.I) is not None


def shingles(quote):
    words = re.findall(r"\w+", quote.lower())
    return {tuple(words[at:at + 3]) for at in range(len(words) - 2)}


def likeness(a, b):
    a, b = shingles(a), shingles(b)
    return len(a & b) / len(a | b) if a and b else 0.0


TERMS = {
    "is owed for the mere use or distribution of the work": r"arising therefrom|\buse of the (work|software|source code|subject software)|use or distribution|make, have made, or distribute|modification, reproduction and distribution",
    "covers attorneys' fees": r"attorney",
    "covers fines or penalties": r"\b(fines|penalties)\b",
    "covers defects of products": r"\bdefect",
    "protects a government": r"government",
    "protects a publisher": r"\bpublisher\b",
    "excludes some liability": r"\bexcluding\b",
    "requires a defence in court": r"\bdefend\b",
    "requires to hold harmless": r"\bharmless\b",
    "applies to commercial distributors": r"commercial product",
}


def terms_of(quote):
    return {term for term, pattern in TERMS.items() if re.search(pattern, quote, re.I)}


prior_hits = {name: text for name, text in prior_agreements.items() if search_text(text, "indemnif")}
prior_replies = dict(zip(prior_hits, llm_query_batched([TASK + text + "\n</section>" for text in prior_hits.values()])))
prior_quotes = [(name, quote) for name, reply in prior_replies.items() for quote in quotes_of(reply) if is_duty(quote)]
prior_terms = set().union(*(terms_of(quote) for _, quote in prior_quotes))

findings = []
for index, reply in replies.items():
    number, name, licence = marks[index].groups()
    quotes = quotes_of(reply)
    duties = [quote for quote in quotes if is_duty(quote)]
    finding = {"index": index, "number": int(number), "name": name, "id": licence, "mentions": quotes, "duties": duties}
    finding["failed"] = reply.error
    if duties:
        finding["new_terms"] = sorted(set().union(*map(terms_of, duties)) - prior_terms)
        finding["likeness"], finding["closest"] = max(
            ((likeness(duty, quote), source) for duty in duties for source, quote in prior_quotes), default=(0.0, None)
        )
    findings.append(finding)

with_duty = [finding for finding in findings if finding["duties"]]
unusual = [finding for finding in with_duty if finding["new_terms"] or finding["likeness"] < 0.25]
print(f"{len(prior_quotes)} duties in {len({name for name, _ in prior_quotes})} of {len(prior_agreements)} prior agreements; their terms: {sorted(prior_terms)}")
print(f"{len(with_duty)} sections with a duty, {len(unusual)} of them unusual, {len(findings) - len(with_duty)} without one")
for finding in unusual:
    print(f"  {finding['number']:>3} {finding['id']}: {finding['new_terms']}, {finding['likeness']:.2f} like {finding['closest']}")
