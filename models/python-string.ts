/**
 * Whether Python source ends inside a triple-quoted string. A light scan: it knows comments, escapes (a
 * backslash keeps the next quote, in raw strings too) and one-line strings. It need not know more, since
 * an error in a one-line string ends with its line.
 */
export function endsInTripleQuotes(source: string): boolean {
  let at = 0;
  while (at < source.length) {
    const char = source[at];
    if (char === '#') {
      at = indexOrEnd(source, '\n', at);
    } else if (char === '"' || char === "'") {
      const triple = char.repeat(3);
      const isTriple = source.startsWith(triple, at);
      const quotes = isTriple ? triple : char;
      const end = afterClosing(source, at + quotes.length, quotes);
      if (end === undefined && isTriple) return true;
      at = end ?? source.length;
    } else {
      at += 1;
    }
  }
  return false;
}

/** Position after the string; a one-line string without its quote ends with the line. Undefined at the end of the source. */
function afterClosing(source: string, from: number, quotes: string): number | undefined {
  let at = from;
  while (at < source.length) {
    if (source.startsWith(quotes, at)) return at + quotes.length;
    if (quotes.length === 1 && source[at] === '\n') return at + 1;
    at += source[at] === '\\' ? 2 : 1;
  }
  return undefined;
}

function indexOrEnd(source: string, needle: string, from: number): number {
  const at = source.indexOf(needle, from);
  return at === -1 ? source.length : at;
}
