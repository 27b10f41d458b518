/** Whether typed lines are a whole cell, or more is to come. */
export type BlockState = 'complete' | 'incomplete';

/**
 * The rule of Python's own prompt, near enough to need no kernel: an open bracket, an open triple-quoted string or a
 * backslash at the end want another line, and a compound statement (a line that ends with a colon, a decorator) goes
 * on until an empty line.
 */
export function blockState(lines: readonly string[]): BlockState {
  const scan = new Scanner();
  for (const line of lines) scan.line(line);
  if (scan.open) return 'incomplete';
  const last = lines.at(-1) ?? '';
  return scan.compound && last.trim() !== '' ? 'incomplete' : 'complete';
}

const OPENING = '([{';
const CLOSING = ')]}';

/** Reads Python line by line, knowing strings, comments and brackets only. */
class Scanner {
  #depth = 0;
  /** Quotes of the triple-quoted string that is open. */
  #quotes: string | null = null;
  #continued = false;
  compound = false;

  get open(): boolean {
    return this.#depth > 0 || this.#quotes !== null || this.#continued;
  }

  line(line: string): void {
    const starts = !this.open;
    this.#continued = false;
    const code = this.#read(line).trimEnd();
    if (this.#quotes === null && code.endsWith('\\')) this.#continued = true;
    if (this.open) return;
    if (code.endsWith(':') || (starts && code.startsWith('@'))) this.compound = true;
  }

  /** The code of a line, with its strings and comments left out. */
  #read(line: string): string {
    let code = '';
    for (let at = 0; at < line.length;) {
      const char = line.charAt(at);
      if (this.#quotes !== null) at = this.#readString(line, at);
      else if (char === '#') break;
      else if (char === '"' || char === "'") {
        const triple = char.repeat(3);
        if (line.startsWith(triple, at)) {
          this.#quotes = triple;
          at += 3;
        } else at = endOfString(line, at);
        code += char;
      } else {
        if (OPENING.includes(char)) this.#depth += 1;
        if (CLOSING.includes(char)) this.#depth = Math.max(0, this.#depth - 1);
        code += char;
        at += 1;
      }
    }
    return code;
  }

  #readString(line: string, at: number): number {
    if (line.charAt(at) === '\\') return at + 2;
    if (this.#quotes === null || !line.startsWith(this.#quotes, at)) return at + 1;
    const after = at + this.#quotes.length;
    this.#quotes = null;
    return after;
  }
}

/** After the closing quote, or the end of the line when there is none: Python will say what it thinks of it. */
function endOfString(line: string, start: number): number {
  const quote = line.charAt(start);
  for (let at = start + 1; at < line.length; at += 1) {
    const char = line.charAt(at);
    if (char === '\\') at += 1;
    else if (char === quote) return at + 1;
  }
  return line.length;
}
