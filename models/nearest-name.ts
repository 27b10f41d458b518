/** More changes than this make another word of it. */
const MOST_CHANGES = 2;

/** The name that somebody may have meant: the one with the fewest letters changed, at most two; null when none is near. */
export function nearestName(word: string, names: Iterable<string>): string | null {
  let nearest: string | null = null;
  let fewest = MOST_CHANGES + 1;
  for (const name of names) {
    const changes = changesBetween(plain(word), plain(name));
    if (changes < fewest) [nearest, fewest] = [name, changes];
  }
  return nearest;
}

/** `context_tokens` and `contexttokens` are `contextTokens` written in other ways. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** Letters to insert, delete or replace (Levenshtein's distance). */
function changesBetween(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > MOST_CHANGES) return MOST_CHANGES + 1;
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next[j] = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same);
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
