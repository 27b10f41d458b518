/**
 * Sentences of a text that speak of indemnification, word for word as they stand in it. Purely
 * extractive: cuts at sentence ends and blank lines and keeps what matches.
 */
export function indemnitySentences(text: string): string[] {
  return text
    .split(/(?<=[.;:])\s+(?=[A-Z(§"“\d])|\n[ \t]*\n/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => /indemnif/i.test(sentence));
}

/** Whether a claim occurs in a text, line breaks and runs of spaces aside. */
export function occursIn(claim: string, text: string): boolean {
  const wanted = flat(claim);
  return wanted !== '' && flat(text).includes(wanted);
}

function flat(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
