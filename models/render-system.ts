import {
  type Budget,
  Manifest,
  type ManifestEntry,
  type NextTurnInput,
  type TextRef,
  Toolbox,
} from '../protocol/index.ts';
import { getJson, getText, type Store } from '../store/index.ts';
import { fenceFor, grouped, headAndTail } from './excerpt.ts';
import { fillTemplate, loadPrompt } from './prompts/template.ts';
import type { ChatMessage } from './prompt-message.ts';

/** Inputs described with head and tail; the others are listed with their sizes, and beyond LISTED only counted. */
const EXCERPTED = 12;
const LISTED = 100;
/** Inputs of at most so many characters in all are shown whole: what fits comfortably is read best. */
const WHOLE_CHARS = 20_000;
const HEAD_CHARS = 400;
const TAIL_CHARS = 200;
/** Descriptions of all tools together. */
const TOOLS_CHARS = 40_000;
/** A larger blob is not read for its excerpt: the first cell shows it faster. */
const EXCERPT_BLOB_BYTES = 256 * 1024 * 1024;

export type SystemInput = Pick<
  NextTurnInput,
  | 'question'
  | 'manifest'
  | 'subModel'
  | 'depth'
  | 'maxDepth'
  | 'toolbox'
  | 'answerSchema'
  | 'budget'
> & { readonly card?: Pick<NextTurnInput['card'], 'replies'> };

/**
 * The messages that open a run: the system prompt, and the question with a description of the inputs
 * (names, types, sizes, head and tail of the first ones; short inputs whole). Equal inputs give equal messages, so that a
 * repeated first turn finds its stored reply.
 */
export async function renderOpening(
  store: Store,
  input: SystemInput,
  promptFolder?: string,
): Promise<ChatMessage[]> {
  const { entries } = await getJson(store, input.manifest, Manifest);
  const system = fillTemplate(loadPrompt('system.md', promptFolder), {
    sub_model: input.subModel,
    recursion: input.depth < input.maxDepth,
    tool_replies: input.card?.replies === 'tool',
    ...(await describeTools(store, input.toolbox)),
  });
  const totalChars = entries.reduce((sum, entry) => sum + entry.chars, 0);
  const whole = totalChars <= WHOLE_CHARS && entries.length <= LISTED;
  const question = fillTemplate(loadPrompt('question.md', promptFolder), {
    question: await getText(store, input.question),
    ...(await describeAnswer(store, input.answerSchema ?? null)),
    has_limits: input.budget !== undefined,
    limits: input.budget === undefined ? '' : describeBudget(input.budget),
    shape: shapeOf(entries),
    total_chars: grouped(totalChars),
    inputs: await describeInputs(store, entries, whole),
    whole,
  });
  return [
    { role: 'system', content: system },
    { role: 'user', content: question },
  ];
}

async function describeAnswer(
  store: Store,
  schema: TextRef | null,
): Promise<{ has_schema: boolean; answer_schema: string }> {
  if (schema === null) return { has_schema: false, answer_schema: '' };
  const text = await getText(store, schema);
  const fence = fenceFor(text);
  return { has_schema: true, answer_schema: `${fence}json\n${text}\n${fence}` };
}

function describeBudget({ turns, calls, costUsd, tokens }: Budget): string {
  const limits = [
    `${grouped(turns)} ${turns === 1 ? 'turn' : 'turns'}`,
    `${grouped(calls)} ${calls === 1 ? 'sub-call' : 'sub-calls'}`,
    `$${costUsd.toFixed(2)}`,
    ...(tokens === null ? [] : [`${grouped(tokens)} tokens`]),
  ];
  return `You have at most ${limits.join(', ')}.`;
}

/** Each tool by its signature and docstring; the longest docstrings are left to `help`. */
async function describeTools(
  store: Store,
  toolbox: SystemInput['toolbox'],
): Promise<{ has_tools: boolean; tools: string }> {
  if (toolbox === undefined) return { has_tools: false, tools: '' };
  const { functions } = await getJson(store, toolbox, Toolbox);
  const room = TOOLS_CHARS / Math.max(1, functions.length);
  const shown = functions.map(({ name, signature, doc }) => {
    const text = doc.length <= room ? doc : `${doc.slice(0, room)}… (help(${name}) shows all)`;
    return `def ${name}${signature}:\n    ${text.replaceAll('\n', '\n    ')}`;
  });
  const code = shown.join('\n\n');
  const fence = fenceFor(code);
  return { has_tools: true, tools: `${fence}python\n${code}\n${fence}` };
}

/** What a run is told that goes on with the transcript of another: its question, and what inputs it brings. */
export async function renderContinuation(
  store: Store,
  {
    question,
    continues,
    answerSchema,
  }: Pick<NextTurnInput, 'question' | 'continues' | 'answerSchema'>,
  promptFolder?: string,
): Promise<string> {
  const manifest = continues?.manifest ?? null;
  const { entries } =
    manifest === null ? { entries: [] } : await getJson(store, manifest, Manifest);
  return fillTemplate(loadPrompt('continue.md', promptFolder), {
    question: await getText(store, question),
    ...(await describeAnswer(store, answerSchema ?? null)),
    has_inputs: entries.length > 0,
    total_chars: grouped(entries.reduce((sum, entry) => sum + entry.chars, 0)),
    inputs: await describeInputs(store, entries, false),
  });
}

async function describeInputs(
  store: Store,
  entries: readonly ManifestEntry[],
  whole: boolean,
): Promise<string> {
  if (entries.length === 0) return 'There are no inputs.';
  const lines: string[] = [];
  for (const [index, entry] of entries.slice(0, LISTED).entries()) {
    const title = `- \`${nameOf(entry)}\`: ${typeOf(entry)}, ${grouped(entry.chars)} characters`;
    const excerpt = whole || index < EXCERPTED ? await excerptOf(store, entry, whole) : '';
    lines.push(title + excerpt);
  }
  if (entries.length > LISTED) lines.push(`- and ${grouped(entries.length - LISTED)} more`);
  return lines.join('\n');
}

async function excerptOf(store: Store, entry: ManifestEntry, whole: boolean): Promise<string> {
  if (entry.blob.sizeBytes > EXCERPT_BLOB_BYTES) return '';
  const text = await getText(store, entry.blob.digest);
  const shown = whole ? text.trim() : headAndTail(text.trim(), HEAD_CHARS, TAIL_CHARS);
  const fence = fenceFor(shown);
  return `\n${fence}text\n${shown}\n${fence}`;
}

function shapeOf(entries: readonly ManifestEntry[]): string {
  const only = entries[0];
  if (entries.length === 1 && only?.path.length === 0) return `one ${typeOf(only)}`;
  const keys = [...new Set(entries.map((entry) => entry.path[0] ?? ''))];
  const shown = keys.slice(0, 20).map((key) => JSON.stringify(key));
  const more = keys.length > shown.length ? `, and ${keys.length - shown.length} more` : '';
  return `a dict with the keys ${shown.join(', ')}${more}`;
}

function nameOf(entry: ManifestEntry): string {
  return `input_data${entry.path.map((key) => `[${JSON.stringify(key)}]`).join('')}`;
}

function typeOf(entry: ManifestEntry): string {
  return entry.format === 'text' ? 'str' : 'JSON value (as `json.loads` gives it)';
}
