import { z } from 'zod';
import { Usage } from '../protocol/index.ts';
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
  usage: Usage,
  model: z.string(),
});
export type TurnReply = z.infer<typeof TurnReply>;

/** The cells of a reply: its calls of the tool, else the blocks of its text. */
export function cellsOf({ text, calls, finishReason }: TurnReply): ParsedReply {
  if (calls === undefined) return parseReply(text, { cutOff: finishReason === 'length' });
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

/** The reply as it is shown to people and read for the word CONFIRM: its text, and the code of its calls as blocks. */
export function replyText({ text, calls = [] }: TurnReply): string {
  const blocks = calls.map((call) => `\`\`\`python\n${codeOf(call) ?? call.arguments}\n\`\`\``);
  return [text, ...blocks].filter((part) => part !== '').join('\n\n');
}

/** A reply that was asked for as the answer itself: without thoughts, and without a fence around the whole of it. Null when it is blank. */
export function answerIn({ text }: TurnReply): string | null {
  const answer = withoutThoughts(text).trim();
  const [only, ...others] = fencedBlocks(answer, () => false);
  const isWhole = others.length === 0 && /^(`{3,}|~{3,})[^]*\1$/.test(answer);
  const bare = only !== undefined && isWhole ? only.code.trim() : answer;
  return bare === '' ? null : bare;
}
