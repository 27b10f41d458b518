import { fencedBlocks, type HoldsFence } from './fenced-blocks.ts';
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

const PYTHON = new Set(['', 'python', 'python3', 'py', 'py3', 'ipython', 'repl']);

/**
 * The cells of a reply: its fenced blocks (see `fencedBlocks`) in Python or without a language. A fence inside a
 * triple-quoted Python string does not close the block when a later one closes it outside of the string: models
 * draft Markdown with code blocks in it. Thoughts that the model wrote out before its reply hold no cells. Never throws.
 */
export function parseReply(reply: string, options: ParseOptions = {}): ParsedReply {
  const cells: string[] = [];
  const ignored: string[] = [];
  for (const { language, code, closed } of fencedBlocks(withoutThoughts(reply), inString)) {
    if (!isPython(language)) ignored.push(language.slice(0, IGNORED_CHARS));
    else if (!closed && options.cutOff) ignored.push('python, cut off by the output limit');
    else if (code.trim() === '') continue;
    else if (cells.length === MAX_CELLS) ignored.push(`python, beyond ${MAX_CELLS} blocks`);
    else cells.push(code);
  }
  return { cells, ignoredBlocks: ignored.slice(0, MAX_IGNORED) };
}

export function isPython(language: string): boolean {
  return PYTHON.has(language);
}

export const inString: HoldsFence = (language, code) =>
  isPython(language) && endsInTripleQuotes(code);

const OPENED = /^\s*<think(?:ing)?>/;
const THOUGHTS = /^\s*<think(?:ing)?>[^]*?<\/think(?:ing)?>/;

/** The thoughts that a reply begins with, marks and all: servers of open models leave them in the text. '' without any, null when they do not end. */
export function thoughtsOf(reply: string): string | null {
  const whole = THOUGHTS.exec(reply);
  if (whole !== null) return whole[0];
  return OPENED.test(reply) ? null : '';
}

/** Code that a model only considered in its thoughts is not meant to be run. */
export function withoutThoughts(reply: string): string {
  return reply.slice(thoughtsOf(reply)?.length ?? 0);
}
