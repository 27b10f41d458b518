import {
  contentOf,
  enterContainers,
  type Container,
  stillQuoted,
  withoutColumns,
} from './containers.ts';

/** A fenced code block of a reply. */
export interface FencedBlock {
  /** First word of the info string, in lower case; '' without one. */
  readonly language: string;
  readonly code: string;
  /** False for a last block whose closing fence is missing. */
  readonly closed: boolean;
  /** True when it ends at a fence inside of a string, because no later one closes it. */
  readonly held: boolean;
  /** Number of the line after its last one. */
  readonly endLine: number;
}

interface Fence {
  readonly indent: number;
  readonly mark: string;
  readonly language: string;
}

/** Whether the code so far ends inside something that a fence cannot close; see `fencedBlocks`. */
export type HoldsFence = (language: string, code: string) => boolean;

/** Fences looked at inside one block that is held open: a bound on work, far above what a draft holds. */
const FENCES_HELD = 100;

/**
 * The fenced code blocks of a Markdown text by CommonMark's rules, also in block quotes and list items: backticks
 * or tildes, closed by a fence that is at least as long, an unclosed last one accepted. Two things differ, because
 * models write so: lines of a block in a list item need not keep its indentation, and HTML does not hide blocks.
 * When `holds` says that the code before a closing fence cannot end there, a later fence closes the block, if one
 * does; else the first. Never throws; takes time that grows with the text's length.
 */
export function fencedBlocks(text: string, holds: HoldsFence): FencedBlock[] {
  const lines = text.split(/\r\n|\n|\r/);
  const blocks: FencedBlock[] = [];
  let containers: Container[] = [];
  let at = 0;
  while (at < lines.length) {
    const entered = enterContainers(lines[at] ?? '', containers);
    containers = entered.containers;
    const fence = openingFence(entered.rest);
    at += 1;
    if (fence === null) continue;
    const { code, next, closed, held } = readBlock({ lines, from: at, fence, containers, holds });
    blocks.push({ language: fence.language, code, closed, held, endLine: next });
    at = next;
  }
  return blocks;
}

interface OpenBlock {
  lines: readonly string[];
  from: number;
  fence: Fence;
  containers: readonly Container[];
  holds: HoldsFence;
}

function readBlock({ lines, from, fence, containers, holds }: OpenBlock): {
  code: string;
  next: number;
  closed: boolean;
  held: boolean;
} {
  const code: string[] = [];
  let first: number | null = null;
  let seen = 0;
  let at = from;
  const closedAt = (end: number, held = false) => ({
    code: code.slice(0, end).join('\n'),
    next: from + end + 1,
    closed: true,
    held,
  });
  for (; at < lines.length && seen < FENCES_HELD; at++) {
    const line = lines[at] ?? '';
    // The end of a quote ends its blocks: what follows is another text.
    if (!stillQuoted(line, containers)) break;
    const content = contentOf(line, containers);
    if (closes(content, fence)) {
      const end = at - from;
      if (!holds(fence.language, code.join('\n'))) return closedAt(end);
      first ??= end;
      seen += 1;
    }
    // A block whose fence is indented loses as much of its lines, as far as they have it.
    code.push(withoutColumns(content, fence.indent).rest);
  }
  // What held the block open never ends: then it is the code that is wrong, and the first fence was meant.
  if (first !== null) return closedAt(first, true);
  return { code: code.join('\n'), next: at, closed: false, held: false };
}

function openingFence(line: string): Fence | null {
  const match = /^( {0,3})(`{3,}|~{3,})(.*)$/.exec(line);
  if (match === null) return null;
  const [, indent = '', mark = '', info = ''] = match;
  // A backtick in the info string makes it inline code, not a fence.
  if (mark.startsWith('`') && info.includes('`')) return null;
  // `{python}`, `{.python}` and `python:main.py` are ways to write `python`.
  const word = /^\{?\.?([^\s,{}:]*)/.exec(info.trim())?.[1] ?? '';
  return { indent: indent.length, mark, language: word.toLowerCase() };
}

function closes(line: string, { mark }: Fence): boolean {
  const match = /^ {0,3}(`+|~+)[ \t]*$/.exec(line);
  const found = match?.[1] ?? '';
  return found[0] === mark[0] && found.length >= mark.length;
}
