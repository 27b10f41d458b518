import { isAscii } from 'node:buffer';

/** How CPython holds the characters of a str: bytes each, and the widest character. */
export interface PythonText {
  length: number;
  maxChar: number;
  bytes: Uint8Array;
}

/**
 * UTF-8 as the buffer that CPython keeps for a str: 1, 2 or 4 bytes a character, by the widest one. ASCII is the same
 * bytes, not copied. Throws TypeError when the bytes are not UTF-8.
 */
export function pythonText(utf8: Buffer): PythonText {
  if (isAscii(utf8)) return { length: utf8.length, maxChar: 127, bytes: utf8 };
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(utf8);
  let length = 0;
  let widest = 0;
  for (let i = 0; i < text.length; i++, length++) {
    const code = text.codePointAt(i) ?? 0;
    if (code > 0xffff) i++;
    if (code > widest) widest = code;
  }
  const maxChar = widest < 256 ? 255 : widest < 65536 ? 65535 : 0x10ffff;
  if (maxChar === 255) return { length, maxChar, bytes: Buffer.from(text, 'latin1') };
  if (maxChar === 65535) return { length, maxChar, bytes: Buffer.from(text, 'utf16le') };
  const points = new Uint32Array(length);
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i) ?? 0;
    if (code > 0xffff) i++;
    points[at++] = code;
  }
  return { length, maxChar, bytes: new Uint8Array(points.buffer) };
}
