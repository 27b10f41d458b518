import { readFileSync } from 'node:fs';
import { DEMO_QUESTION } from '../demo/question.ts';
import { indemnitySentences, occursIn } from './extract.ts';
import { ScriptRefusal } from './script-refusal.ts';
import type { ScriptedMessage } from './scripted-model.ts';

/** What the scripted root says, turn by turn. The number of sections and what they hold is in none of them. */
const TURNS = [
  ['1-probe.py', 'I look at what the inputs are before I decide how to read them.'],
  [
    '2-search.py',
    'I search for indemnities and let a sub-model read each section found, all at once.',
  ],
  ['3-compare.py', 'I compare the duties found with those of the prior agreements.'],
  ['4-draft.py', 'I draft the answer with a quote for each finding.'],
  ['5-check.py', 'I have each quote of the draft checked against its section.'],
  ['6-revise.py', 'I revise: what was not confirmed is restored from the contract or dropped.'],
] as const;

const ONLY_THE_DEMO =
  "This stand-in has no intelligence and only knows the demo's question: set OPENAI_API_KEY (and OPENAI_BASE_URL for another endpoint) to use a real model.";

/**
 * The root's scripted reply, chosen by the number of replies that the transcript holds. Throws ScriptRefusal
 * for any other question, and when a cell of the script failed: a script cannot mend itself.
 */
export function demoRoot(messages: readonly ScriptedMessage[]): string {
  const asked = messages.some(
    ({ role, content }) => role === 'user' && content.includes(DEMO_QUESTION),
  );
  if (!asked) throw new ScriptRefusal(ONLY_THE_DEMO);
  const replies = messages.filter(({ role }) => role === 'assistant').length;
  const shown = messages.at(-1)?.content ?? '';
  const failed = replies === 0 ? null : /^Cell \S+ (raised|was rolled back).*$/m.exec(shown);
  if (failed) {
    throw new ScriptRefusal(`The stand-in cannot mend its script; the engine says: ${failed[0]}`);
  }
  const turn = TURNS[replies];
  if (turn === undefined) {
    return 'The draft holds what the check confirmed.\n\n```python\nanswer["ready"] = True\n```\n';
  }
  const [file, sentence] = turn;
  const code = readFileSync(new URL(`cells/${file}`, import.meta.url), 'utf8').trim();
  return `${sentence}\n\n\`\`\`python\n${code}\n\`\`\`\n`;
}

/** The sub-model's extractive reply: sentences of the section that it was sent, or whether claims occur in it. */
export function demoSub(prompt: string): string {
  const section = between(prompt, 'section');
  if (section === null) throw new ScriptRefusal(ONLY_THE_DEMO);
  const claims = between(prompt, 'claims');
  if (claims === null) {
    const lines = indemnitySentences(section).map((quote) => JSON.stringify({ quote }));
    return lines.join('\n') || 'NONE';
  }
  return claims
    .split('\n')
    .map((line) => /^(\d+)\. (.*)$/.exec(line))
    .flatMap((match) => (match ? [[match[1] ?? '', match[2] ?? ''] as const] : []))
    .map(([number, claim]) => `${number} ${occursIn(claim, section) ? 'YES' : 'NO'}`)
    .join('\n');
}

function between(prompt: string, tag: string): string | null {
  const start = prompt.indexOf(`<${tag}>\n`);
  const end = prompt.lastIndexOf(`\n</${tag}>`);
  return start === -1 || end === -1 ? null : prompt.slice(start + tag.length + 3, end);
}
