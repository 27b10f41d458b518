/** Characters that one program writes for another's: as in the REPL's `quote`. */
const ALIKE = ['"“”„‟«»″', "'’‘‚‛′`´", '-‐‑‒–—−'];
const MARKS = ALIKE.join('').replace('-', '\\-');
/** White space as Python's `\s` knows it, beside the ASCII one. */
const WIDE_SPACES =
  '\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000';
const ASCII_SPACES = '[\\t-\\r\\x1c-\\x20]';
const SPACES = `\\t-\\r\\x1c-\\x20${WIDE_SPACES}`;
const FIXED_PIECES = 5;
/** Bytes that are looked at together, far below the longest string there is, and how far a match may reach from one such window into the next. */
const WINDOW_BYTES = 64 * 1024 * 1024;
const REACH_BYTES = 1024 * 1024;

/**
 * Words that may stand in a text with other white space, and other kinds of quotation marks and dashes. The text is
 * looked at as bytes, one character a byte, so that gigabytes need no decoding: the pattern is made of UTF-8 as well.
 */
export class LooseQuote {
  /** Pieces that stand in the text as they are when the words do. */
  readonly #fixed: Buffer[];
  readonly #words: string[];
  /** Bytes that they take at least. */
  readonly #least: number;
  #pattern: RegExp | null = null;

  constructor(quote: string) {
    this.#words = quote.split(new RegExp(`[${SPACES}]+`)).filter((word) => word !== '');
    this.#least = this.#words.reduce((sum, word) => sum + leastBytes(word), 0);
    this.#fixed = quote
      .split(new RegExp(`[${SPACES}${MARKS}]+`))
      .toSorted((one, other) => other.length - one.length)
      .slice(0, FIXED_PIECES)
      .filter((piece) => piece !== '')
      .map((piece) => Buffer.from(piece, 'utf8'));
  }

  /** First place in a UTF-8 text, in bytes. */
  find(bytes: Buffer): [from: number, to: number] | null {
    // Blank words stand nowhere.
    if (this.#words.length === 0 || bytes.length < this.#least) return null;
    // Most words that do not stand there have a piece that does not: a pattern of them all costs more to make than that.
    if (this.#fixed.some((piece) => !bytes.includes(piece))) return null;
    const pattern = (this.#pattern ??= this.#makePattern());
    for (let base = 0; base < bytes.length; base += WINDOW_BYTES) {
      const match = pattern.exec(bytes.toString('latin1', base, base + WINDOW_BYTES + REACH_BYTES));
      if (match !== null) return [base + match.index, base + match.index + match[0].length];
    }
    return null;
  }

  #makePattern(): RegExp {
    const space = `(?:${[ASCII_SPACES, ...Array.from(WIDE_SPACES, escaped)].join('|')})+`;
    return new RegExp(this.#words.map((word) => Array.from(word, alike).join('')).join(space));
  }
}

/** A mark for which there are others may stand as one of a single byte. */
function leastBytes(word: string): number {
  const marks = new RegExp(`[${MARKS}]`, 'g');
  return Buffer.byteLength(word.replaceAll(marks, '-'));
}

function alike(char: string): string {
  const kind = ALIKE.find((chars) => chars.includes(char));
  return kind === undefined ? escaped(char) : `(?:${Array.from(kind, escaped).join('|')})`;
}

/** The UTF-8 bytes of a character as a pattern for characters of one byte. */
function escaped(char: string): string {
  return [...Buffer.from(char, 'utf8')]
    .map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`)
    .join('');
}
