/** Digits in groups: `1,204`. */
export function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/**
 * Head and tail of a text with a line between them that says how much is missing; the text itself when
 * it is not longer than both. `where` says where to find it. Cut at code points. Lengths in UTF-16 units, the missing part too.
 */
export function headAndTail(
  text: string,
  headChars: number,
  tailChars: number,
  where?: string,
): string {
  if (text.length <= headChars + tailChars) return text;
  const head = text.slice(0, before(text, headChars));
  const tail = text.slice(after(text, text.length - tailChars));
  const cut = text.length - head.length - tail.length;
  return `${head}\n… ${grouped(cut)} characters not shown${where === undefined ? '' : `; ${where}`} …\n${tail}`;
}

function before(text: string, at: number): number {
  return isLowSurrogate(text, at) ? at - 1 : at;
}

function after(text: string, at: number): number {
  return isLowSurrogate(text, at) ? at + 1 : at;
}

function isLowSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** A fence longer than every run of backticks in the text, so that the text cannot close it. */
export function fenceFor(text: string): string {
  const runs = text.match(/`{3,}/g) ?? [];
  return '`'.repeat(Math.max(3, ...runs.map((run) => run.length + 1)));
}
