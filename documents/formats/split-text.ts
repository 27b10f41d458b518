import { widthOf } from './text-width.ts';

/** A part of a text, cut at a paragraph: bytes of its UTF-8, and the characters before it. */
export interface TextPart {
  start: number;
  end: number;
  firstChar: number;
  chars: number;
}

/**
 * Cuts UTF-8 into parts that take at most `maxBytes` both in UTF-8 and in the heap, where each is held by its own widest
 * character. Cut behind the last blank line that fits, else behind the last line, else between two characters.
 */
export function splitText(utf8: Uint8Array, maxBytes: number): TextPart[] {
  const parts: TextPart[] = [];
  let start = 0;
  let firstChar = 0;
  while (start < utf8.length) {
    const { end, chars } = nextPart(utf8, start, maxBytes);
    parts.push({ start, end, firstChar, chars });
    start = end;
    firstChar += chars;
  }
  return parts;
}

const LINE_FEED = 10;

interface Cut {
  end: number;
  chars: number;
}

function nextPart(utf8: Uint8Array, start: number, maxBytes: number): Cut {
  let width = 1;
  let chars = 0;
  let paragraph: Cut | null = null;
  let line: Cut | null = null;
  for (let i = start; i < utf8.length; i++) {
    const byte = utf8[i] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    width = Math.max(width, widthOf(byte));
    // The last character may have four bytes.
    if ((chars + 1) * width > maxBytes || i + 4 - start > maxBytes) {
      const cut = paragraph ?? line;
      return cut ?? { end: chars === 0 ? utf8.length : i, chars: Math.max(1, chars) };
    }
    chars += 1;
    if (byte !== LINE_FEED) continue;
    line = { end: i + 1, chars };
    if (blankBefore(utf8, i, start)) paragraph = line;
  }
  return { end: utf8.length, chars };
}

/** Whether the line that a line feed ends is blank. */
function blankBefore(utf8: Uint8Array, at: number, start: number): boolean {
  for (let i = at - 1; i >= start; i--) {
    const byte = utf8[i];
    if (byte === LINE_FEED) return true;
    if (byte !== 32 && byte !== 9 && byte !== 13) return false;
  }
  return false;
}
