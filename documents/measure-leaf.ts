import { MAX_OBJECT_BYTES, type Leaf } from './formats/converted.ts';
import { splitText } from './formats/split-text.ts';
import { type TextWidth, textWidth } from './formats/text-width.ts';
import { Unreadable } from './errors.ts';
import { megabytes } from './formats/read-text.ts';

/** One value with its size in the heap. `part`: it is one of the parts of a text. */
export interface MeasuredLeaf extends TextWidth {
  leaf: Leaf;
  part: number | null;
  firstPage: number;
  /** Its bytes are those of the file, all of them. */
  unchanged?: boolean;
}

/** Parts of a text that needs more than one byte a character: so large that few are needed, so small that each fits where others were. */
export const PART_BYTES = 256 * 1000 * 1000;

/**
 * Measures a value; a text of wide characters that is large in the heap becomes several, cut at paragraphs. Throws
 * Unreadable for one that no object holds.
 */
export function measured(leaf: Leaf, partBytes: number = PART_BYTES): MeasuredLeaf[] {
  const size = textWidth(leaf.bytes);
  const heapBytes = size.chars * size.width;
  if (leaf.format === 'json' || size.width === 1 || heapBytes <= partBytes) {
    if (heapBytes > MAX_OBJECT_BYTES) throw new Unreadable(tooLarge(size));
    return [{ leaf, part: null, firstPage: 1, ...size }];
  }
  return splitText(leaf.bytes, partBytes).map(({ start, end, firstChar, chars }, part) => {
    // A copy: the parts are moved to another thread one by one.
    const bytes = new Uint8Array(leaf.bytes.subarray(start, end));
    const pages = leaf.pages && pagesWithin(leaf.pages, firstChar, firstChar + chars);
    return {
      leaf: { ...leaf, bytes, ...(pages && { pages: pages.within }) },
      part,
      firstPage: pages?.first ?? 1,
      ...textWidth(bytes),
    };
  });
}

function tooLarge({ chars, width, widest }: TextWidth): string {
  const why =
    widest === null
      ? ''
      : ` (${width} bytes a character because of ${named(widest.character)} at character ${widest.at.toLocaleString('en')})`;
  return `takes ${megabytes(chars * width)} MB in the heap${why}: one object may have 2 GiB, split it`;
}

/** `U+1F600`. */
export function named(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

type Pages = NonNullable<Leaf['pages']>;

/** Pages of a part, from its own beginning. One that is cut is in both parts. */
function pagesWithin(pages: Pages, start: number, end: number): { within: Pages; first: number } {
  const within: Pages = [];
  let first = 0;
  for (const [index, [from, to]] of pages.entries()) {
    if (to <= start || from >= end) continue;
    if (first === 0) first = index + 1;
    within.push([Math.max(from, start) - start, Math.min(to, end) - start]);
  }
  return { within, first: Math.max(1, first) };
}
