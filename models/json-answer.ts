import { jsonrepair } from 'jsonrepair';
import { checkSchema } from './check-schema.ts';
import { fencedBlocks } from './fenced-blocks.ts';

/** Said to a model after its prompt. */
export const ANSWER_WITH =
  'Answer with JSON alone, without any text around it, that satisfies this JSON Schema:';

/** Larger answers are read as they are: repairing takes time that grows with them. */
const MOST_REPAIRED_CHARS = 1_000_000;

export type JsonAnswer =
  | { readonly ok: true; readonly text: string }
  /** Sentences for the model. */
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * The JSON value of a reply that satisfies a schema: the reply as it is, its one fenced block, what stands between its outermost
 * brackets, each also with its small mistakes repaired (trailing commas, quotes, comments, missing brackets). Text of
 * the first that satisfies it, else the problems of the first that is JSON at all.
 */
export async function jsonAnswer(reply: string, schema: string): Promise<JsonAnswer> {
  let problems: string[] | undefined;
  const tried = new Set<string>();
  for (const text of candidates(reply)) {
    if (tried.has(text)) continue;
    tried.add(text);
    const found = await checkSchema(text, schema, 'answer');
    if (found.length === 0) return { ok: true, text };
    problems ??= found;
  }
  return { ok: false, problems: problems ?? ['it is not JSON.'] };
}

function* candidates(reply: string): Generator<string> {
  const whole = reply.trim();
  const blocks = fencedBlocks(whole, () => false).filter(({ code }) => code.trim() !== '');
  const texts = [whole];
  if (blocks.length === 1 && blocks[0] !== undefined) texts.push(blocks[0].code.trim());
  const [start, end] = [whole.search(/[{[]/), whole.search(/[}\]][^}\]]*$/)];
  if (start !== -1 && end > start) texts.push(whole.slice(start, end + 1));
  else if (start !== -1) texts.push(whole.slice(start));
  const different = [...new Set(texts)];
  for (const text of different) if (isJson(text)) yield text;
  // The narrowest first: what stands around JSON would be repaired into a string of it.
  for (const text of different.toReversed()) {
    const repaired = text.length > MOST_REPAIRED_CHARS ? null : repair(text);
    if (repaired !== null) yield repaired;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function repair(text: string): string | null {
  try {
    return jsonrepair(text);
  } catch {
    return null;
  }
}
