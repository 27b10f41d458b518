import { caps } from '../protocol/index.ts';

/** A beginning that all prompts of a round share is left out of their previews when it is longer than this. */
const SHARED_CHARS = 20;

/**
 * One line a prompt, for summaries, of at most CALL_PREVIEW_CHARS and its ellipses. The calls of one round often begin
 * with the same instruction: then what tells them apart is shown.
 */
export function previewsOf(prompts: readonly string[]): string[] {
  const shared = sharedStart(prompts);
  if (shared <= SHARED_CHARS) return prompts.map((prompt) => preview(prompt));
  return prompts.map((prompt) => `…${preview(prompt.slice(shared))}`);
}

function preview(text: string): string {
  const line = text
    .slice(0, 4 * caps.CALL_PREVIEW_CHARS)
    .replaceAll(/\s+/g, ' ')
    .trim();
  if (line.length <= caps.CALL_PREVIEW_CHARS && text.length <= 4 * caps.CALL_PREVIEW_CHARS) {
    return line;
  }
  let cut = '';
  for (const character of line) {
    if (cut.length + character.length > caps.CALL_PREVIEW_CHARS - 1) break;
    cut += character;
  }
  return `${cut}…`;
}

/** Length of the words that two or more different texts begin with. */
function sharedStart(texts: readonly string[]): number {
  const [first] = texts;
  if (first === undefined) return 0;
  // The least and the greatest text share what all share.
  const least = texts.reduce((a, b) => (b < a ? b : a), first);
  const greatest = texts.reduce((a, b) => (b > a ? b : a), first);
  if (least === greatest) return 0;
  let length = 0;
  while (length < least.length && least[length] === greatest[length]) length++;
  while (length > 0 && /\S/.test(least.charAt(length - 1))) length--;
  return length;
}
