import { z } from 'zod';
import { OpaqueReasoning, Usage } from '../protocol/index.ts';
import { MAX_CELLS, type ParsedReply, parseReply, withoutThoughts } from './parse-reply.ts';
import { fencedBlocks } from './fenced-blocks.ts';
import { codeOf } from './python-tool.ts';

/** A stored root reply: what a repeated turn finds instead of paying again. */
export const TurnReply = z.object({
  text: z.string(),
  /** Calls of the tool `python`; absent without any. */
  calls: z.array(z.object({ id: z.string(), arguments: z.string() })).optional(),
  finishReason: z.string(),
  reasoning: z.string().optional(),
  opaque: OpaqueReasoning.optional(),
  /** Registry name of the model that answered: a fallback has another one. */
  by: z.string().optional(),
  usage: Usage,
  model: z.string(),
});
export type TurnReply = z.infer<typeof TurnReply>;

/** How a reply ended, also where the provider calls it a plain end: `empty` without text and calls, `thoughts` when it only thought. */
export function endOf({ text, calls, reasoning, opaque, finishReason }: TurnReply): string {
  const told = ['length', 'content_filter', 'refusal'].includes(finishReason);
  if (text.trim() !== '' || calls !== undefined || told) return finishReason;
  return reasoning === undefined && opaque === undefined ? 'empty' : 'thoughts';
}

/** The cells of a reply: its calls of the tool, else the blocks of its text, else what it says to be final. */
export function cellsOf({ text, calls, finishReason }: TurnReply): ParsedReply {
  if (calls === undefined) {
    const parsed = parseReply(text, { cutOff: finishReason === 'length' });
    if (parsed.cells.length > 0 || finishReason === 'length') return parsed;
    const final = finalInWords(text);
    return final === null ? parsed : { ...parsed, cells: [final] };
  }
  const cells: string[] = [];
  const ignoredBlocks: string[] = [];
  for (const call of calls) {
    const code = codeOf(call);
    if (code === null) ignoredBlocks.push('a call of python without code');
    else if (code.trim() === '') continue;
    else if (cells.length === MAX_CELLS) ignoredBlocks.push(`python, beyond ${MAX_CELLS} calls`);
    else cells.push(code);
  }
  return { cells, ignoredBlocks: ignoredBlocks.slice(0, MAX_CELLS) };
}

/** `FINAL(text)` or `FINAL_VAR(name)` in plain words, at a line's start to the end of the reply: how some models were taught to answer. As a cell. */
function finalInWords(reply: string): string | null {
  const text = withoutMarks(withoutThoughts(reply));
  // The last one: what stands before it was said on the way.
  const start = [...text.matchAll(/^[*` \t]*FINAL(?:_VAR)?\(/gm)].at(-1);
  if (start === undefined || !text.endsWith(')')) return null;
  const inside = text.slice(start.index + start[0].length, -1).trim();
  if (start[0].endsWith('FINAL_VAR(')) {
    const name = /^["']?(\w+)["']?$/.exec(inside)?.[1];
    return name === undefined ? null : `FINAL_VAR("${name}")`;
  }
  // A JSON string is a Python string, escapes and all.
  return inside === '' ? null : `FINAL(${JSON.stringify(unquoted(inside))})`;
}

/** Without emphasis, full stops and white space at the end. By hand: a pattern would take time that grows with the square of the spaces. */
function withoutMarks(text: string): string {
  let end = text.length;
  while (end > 0 && /[\s*`.]/.test(text[end - 1] ?? '')) end -= 1;
  return text.slice(0, end);
}

function unquoted(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : text;
  } catch {
    return text;
  }
}

/** One word, or the assignment itself without a fence; the word also in a fence. */
const CONFIRMATION =
  /^(?:\W*|\W*```(?:python|py|repl)?\s+)(?:CONFIRM|FINAL(?:\(\))?|SUBMIT(?:\(\))?|answer\[["']ready["']\]\s*=\s*True)\W*$/;
const LONGEST_CONFIRMATION = 100;

/** Whether the reply, its thoughts left aside, is nothing but a word that confirms: no code that could be run. */
export function confirmsInWords({ text, calls }: TurnReply): boolean {
  const said = withoutThoughts(text).trim();
  if (calls !== undefined || said.length > LONGEST_CONFIRMATION || !CONFIRMATION.test(said)) {
    return false;
  }
  // `answer["ready"] = True` in a block is code, and is run as such.
  return !said.includes('```') || said.includes('CONFIRM');
}

/** The reply as it is shown to people: its text, and the code of its calls as blocks. */
export function replyText({ text, calls = [] }: TurnReply): string {
  const blocks = calls.map((call) => `\`\`\`python\n${codeOf(call) ?? call.arguments}\n\`\`\``);
  return [text, ...blocks].filter((part) => part !== '').join('\n\n');
}

/** A reply that was asked for as the answer itself: without thoughts, and without a fence around the whole of it. Null when it is blank. */
export function answerIn({ text }: TurnReply): string | null {
  const answer = withoutThoughts(text).trim();
  const [only, ...others] = fencedBlocks(answer, () => false);
  const lastLine = answer.slice(answer.lastIndexOf('\n') + 1);
  const isWhole = /^[`~]{3}/.test(answer) && /^[`~]{3,}$/.test(lastLine);
  const bare =
    only !== undefined && only.closed && others.length === 0 && isWhole ? only.code.trim() : answer;
  return bare === '' ? null : bare;
}
