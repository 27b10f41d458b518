import re

contract = input_data["contract"]
prior_agreements = input_data["prior_agreements"]
marks = list(re.finditer(r"^SECTION (\d+)\. (.+) \((\S+)\)$", contract, re.M))

print(f"contract: {len(contract):,} characters, about {len(contract) // 3000:,} pages, {len(marks)} sections")
for mark in marks[:3] + marks[-2:]:
    print(f"  {mark.start():>9,}  {mark.group()}")
for name, text in prior_agreements.items():
    print(f"prior agreement: {name}, {len(text):,} characters, starts with {' '.join(text.split())[:50]!r}")
