import { fencedBlocks } from './fenced-blocks.ts';
import { inString, isPython, thoughtsOf } from './parse-reply.ts';

/** A line that may close a block. */
const CLOSING = /(?:`{3,}|~{3,})[ \t]*\r?\n/;

/**
 * Watches a reply as it comes for the end of its first whole block of code, by the same rules as the parser of whole
 * replies. A fence that may stand inside a string of the code ends nothing.
 */
export class FirstBlock {
  #looked = 0;

  /** The reply up to the end of its first whole block, once it holds one; null before. Call it with all of the text so far. */
  upTo(text: string): string | null {
    const whole = text.lastIndexOf('\n') + 1;
    // One line back: a fence and its newline may come apart.
    const fresh = text.slice(text.lastIndexOf('\n', Math.max(0, this.#looked - 2)) + 1, whole);
    if (whole === this.#looked || !CLOSING.test(fresh)) {
      this.#looked = whole;
      return null;
    }
    this.#looked = whole;
    const thoughts = thoughtsOf(text);
    if (thoughts === null) return null;
    const reply = text.slice(thoughts.length, whole);
    const blocks = fencedBlocks(reply, inString);
    const first = blocks.find((block) => isPython(block.language) && block.code.trim() !== '');
    if (first === undefined || !first.closed || first.held) return null;
    const lines = reply.split(/(?<=\n|\r(?!\n))/).slice(0, first.endLine);
    return `${thoughts}${lines.join('')}`.trimEnd();
  }
}
