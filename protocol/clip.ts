/** The text, or its beginning and `…`, in at most `maxBytes` of UTF-8. Never cuts a code point; lone surrogates become U+FFFD. */
export function clipBytes(text: string, maxBytes: number): string {
  const clean = text.toWellFormed();
  if (utf8Bytes(clean) <= maxBytes) return clean;
  let bytes = 0;
  let end = 0;
  for (const char of clean) {
    const size = utf8Bytes(char);
    if (bytes + size > maxBytes - 3) break;
    bytes += size;
    end += char.length;
  }
  return `${clean.slice(0, end)}…`;
}

/** UTF-8 length of a well-formed text. Counted by hand because the workflow sandbox has no encoder of its own. */
export function utf8Bytes(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) bytes += 1;
    else if (code < 0x800) bytes += 2;
    else if (code >= 0xd800 && code <= 0xdbff) {
      bytes += 4;
      i++;
    } else bytes += 3;
  }
  return bytes;
}

/** Markdown for the Web UI, which would take what stands between two dollar signs for a formula. */
export function forWebUi(markdown: string): string {
  return markdown.replaceAll('$', '\\$');
}
