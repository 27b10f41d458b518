/** A block quote, or a list item with the columns that its content is indented by. */
export type Container =
  | { readonly kind: 'quote' }
  | { readonly kind: 'item'; readonly indent: number };

/** Nesting that is followed; deeper is text. A bound on work per line. */
const DEEPEST = 20;

/**
 * The containers that a line outside of a code block is in, given those of the line before it, and the rest of
 * the line inside of them. A line of a paragraph that goes on without its markers is taken for the end of its
 * containers: that only matters to a fence in the same paragraph's item, and such a fence is indented less.
 */
export function enterContainers(
  line: string,
  before: readonly Container[],
): { containers: Container[]; rest: string } {
  const containers: Container[] = [];
  let rest = line;
  for (const container of before) {
    const inside = insideOf(rest, container);
    if (inside === null) break;
    containers.push(container);
    rest = inside;
  }
  while (containers.length < DEEPEST) {
    const opened = openContainer(rest);
    if (opened === null) break;
    containers.push(opened.container);
    rest = opened.rest;
  }
  return { containers, rest };
}

/** Whether a line of a code block is in all the block quotes that the block is in. */
export function stillQuoted(line: string, containers: readonly Container[]): boolean {
  let rest = line;
  for (const container of containers) {
    const inside = insideOf(rest, container);
    if (inside !== null) rest = inside;
    else if (container.kind === 'quote') return false;
  }
  return true;
}

/** A line of a code block without what its containers take: quote marks, and the indentation of items as far as it is there. */
export function contentOf(line: string, containers: readonly Container[]): string {
  let rest = line;
  for (const container of containers) {
    rest =
      container.kind === 'item'
        ? withoutColumns(rest, container.indent).rest
        : (insideOf(rest, container) ?? rest);
  }
  return rest;
}

function insideOf(line: string, container: Container): string | null {
  if (container.kind === 'quote') {
    const match = /^ {0,3}> ?/.exec(line);
    return match === null ? null : line.slice(match[0].length);
  }
  if (line.trim() === '') return '';
  const { rest, taken } = withoutColumns(line, container.indent);
  return taken === container.indent ? rest : null;
}

function openContainer(line: string): { container: Container; rest: string } | null {
  const quote = /^ {0,3}> ?/.exec(line);
  if (quote !== null) return { container: { kind: 'quote' }, rest: line.slice(quote[0].length) };
  const item = /^( {0,3})([-+*]|\d{1,9}[.)])([ \t]+|$)/.exec(line);
  if (item === null) return null;
  const [, lead = '', marker = '', gap = ''] = item;
  const after = line.slice(lead.length + marker.length);
  const width = lead.length + marker.length;
  const columns = withoutColumns(after, 5, width).taken;
  // An empty item, or one that begins with indented code: one column belongs to the marker.
  const gapColumns = after.trim() === '' || columns >= 5 || gap === '' ? 1 : columns;
  return {
    container: { kind: 'item', indent: width + gapColumns },
    rest: withoutColumns(after, gapColumns, width).rest,
  };
}

/** Takes up to so many columns of white space; a tab reaches to the next multiple of four, and what is left of it becomes spaces. */
export function withoutColumns(
  line: string,
  columns: number,
  start = 0,
): { rest: string; taken: number } {
  let taken = 0;
  let at = 0;
  while (taken < columns) {
    if (line[at] === ' ') taken += 1;
    else if (line[at] === '\t') {
      const width = 4 - ((start + taken) % 4);
      if (taken + width > columns) {
        const left = taken + width - columns;
        return { rest: ' '.repeat(left) + line.slice(at + 1), taken: columns };
      }
      taken += width;
    } else break;
    at += 1;
  }
  return { rest: line.slice(at), taken };
}
