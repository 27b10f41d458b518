import { isAscii, isUtf8 } from 'node:buffer';

/** How CPython holds the characters of a str: bytes each, and the widest character. */
export interface PythonText {
  length: number;
  maxChar: number;
  bytes: Uint8Array;
}

/** UTF-8 that is decoded at once: a JavaScript string holds no gigabyte. */
const CHUNK_BYTES = 16 * 1024 * 1024;

/**
 * UTF-8 as the buffer that CPython keeps for a str: 1, 2 or 4 bytes a character, by the widest one. ASCII is the same
 * bytes, not copied. Throws TypeError when the bytes are not UTF-8.
 */
export function pythonText(utf8: Buffer): PythonText {
  if (isAscii(utf8)) return { length: utf8.length, maxChar: 127, bytes: utf8 };
  if (!isUtf8(utf8)) throw new TypeError('not UTF-8');
  const { length, maxChar } = measure(utf8);
  const width = maxChar === 255 ? 1 : maxChar === 65535 ? 2 : 4;
  const bytes = Buffer.allocUnsafeSlow(length * width);
  let at = 0;
  for (let from = 0; from < utf8.length;) {
    const to = boundary(utf8, from + CHUNK_BYTES);
    const text = utf8.toString('utf8', from, to);
    at +=
      width < 4
        ? bytes.write(text, at, width === 1 ? 'latin1' : 'utf16le')
        : points(text, bytes, at);
    from = to;
  }
  return { length, maxChar, bytes };
}

/** By the first bytes of characters: 0xC4 and up are beyond U+00FF, 0xF0 and up beyond U+FFFF. */
function measure(utf8: Buffer): { length: number; maxChar: number } {
  let length = 0;
  let widest = 0;
  // By index: an iterator of bytes is ten times slower.
  for (let i = 0; i < utf8.length; i++) {
    const byte = utf8[i] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    length += 1;
    if (byte > widest) widest = byte;
  }
  return { length, maxChar: widest < 0xc4 ? 255 : widest < 0xf0 ? 65535 : 0x10ffff };
}

/** Where a character begins, at or before a position. */
function boundary(utf8: Buffer, position: number): number {
  if (position >= utf8.length) return utf8.length;
  let at = position;
  while ((utf8.readUInt8(at) & 0xc0) === 0x80) at -= 1;
  return at;
}

/** Writes code points; returns their bytes. */
function points(text: string, into: Buffer, from: number): number {
  let at = from;
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i) ?? 0;
    if (code > 0xffff) i++;
    at = into.writeUInt32LE(code, at);
  }
  return at - from;
}
