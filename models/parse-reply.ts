import { endsInTripleQuotes } from './python-string.ts';

export interface ParsedReply {
  /** Python code of the reply, in order, each without its fence. */
  readonly cells: readonly string[];
  /** What was not taken as a cell, for the model: a language, or why. At most 40 characters each. */
  readonly ignoredBlocks: readonly string[];
}

export interface ParseOptions {
  /** True when the model stopped at its output limit: then a block without its closing fence is only a part of one. */
  readonly cutOff?: boolean;
}

/** Cells of one reply that are run; the same limit as in the wire type. */
export const MAX_CELLS = 20;
const MAX_IGNORED = 20;
const IGNORED_CHARS = 40;
/** Closing fences looked at inside one open string: a bound on work, far above what a draft holds. */
const FENCES_IN_A_STRING = 100;

const PYTHON = new Set(['', 'python', 'python3', 'py', 'repl']);

interface Fence {
  readonly indent: number;
  readonly mark: string;
  readonly language: string;
}

/**
 * Finds the code blocks of a reply by CommonMark's rules for fences: backticks or tildes, closed by a fence
 * that is at least as long, an unclosed last one accepted. Beyond these rules, a fence inside a
 * triple-quoted Python string does not close the block when a later one closes it outside of the string:
 * models draft Markdown with code blocks in it. Never throws.
 */
export function parseReply(reply: string, options: ParseOptions = {}): ParsedReply {
  const lines = reply.split(/\r\n|\n|\r/);
  const cells: string[] = [];
  const ignored: string[] = [];
  let at = 0;
  while (at < lines.length) {
    const fence = openingFence(lines[at] ?? '');
    at += 1;
    if (fence === null) continue;
    const isPython = PYTHON.has(fence.language);
    const end = endOfBlock(lines, at, fence, isPython);
    const closed = end < lines.length;
    const code = lines
      .slice(at, end)
      .map((line) => dedented(line, fence.indent))
      .join('\n');
    at = end + 1;
    if (!isPython) ignored.push(fence.language.slice(0, IGNORED_CHARS));
    else if (!closed && options.cutOff) ignored.push('python, cut off by the output limit');
    else if (code.trim() === '') continue;
    else if (cells.length === MAX_CELLS) ignored.push(`python, beyond ${MAX_CELLS} blocks`);
    else cells.push(code);
  }
  return { cells, ignoredBlocks: ignored.slice(0, MAX_IGNORED) };
}

/** Index of the line that closes the block, or the number of lines when none does. */
function endOfBlock(
  lines: readonly string[],
  from: number,
  fence: Fence,
  isPython: boolean,
): number {
  let first = lines.length;
  let seen = 0;
  for (let at = from; at < lines.length && seen < FENCES_IN_A_STRING; at++) {
    if (!closes(lines[at] ?? '', fence)) continue;
    if (!isPython || !endsInTripleQuotes(lines.slice(from, at).join('\n'))) return at;
    first = Math.min(first, at);
    seen += 1;
  }
  // The string never ends: then it is the code that is wrong, and the first fence was meant.
  return first;
}

function openingFence(line: string): Fence | null {
  const match = /^( {0,3})(`{3,}|~{3,})(.*)$/.exec(line);
  if (match === null) return null;
  const [, indent = '', mark = '', info = ''] = match;
  // A backtick in the info string makes it inline code, not a fence.
  if (mark.startsWith('`') && info.includes('`')) return null;
  const word = info.trim().split(/[\s,{]/)[0] ?? '';
  return { indent: indent.length, mark, language: word.toLowerCase() };
}

function closes(line: string, { mark }: Fence): boolean {
  const match = /^ {0,3}(`+|~+)[ \t]*$/.exec(line);
  const found = match?.[1] ?? '';
  return found[0] === mark[0] && found.length >= mark.length;
}

/** A block whose fence is indented loses as much indentation of its lines, as far as they have it. */
function dedented(line: string, indent: number): string {
  let at = 0;
  while (at < indent && line[at] === ' ') at += 1;
  return line.slice(at);
}
