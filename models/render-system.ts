import {
  type Budget,
  Manifest,
  type ManifestEntry,
  type ModelCard,
  type NextTurnInput,
  type TextRef,
  Toolbox,
} from '../protocol/index.ts';
import { getJson, getText, type Store } from '../store/index.ts';
import { describeInputs, LISTED, shapeOf } from './describe-inputs.ts';
import { describePackages } from './describe-packages.ts';
import { fenceFor, grouped } from './excerpt.ts';
import { variantOf } from './prompt-variant.ts';
import type { Prompts } from './prompts/prompt-set.ts';
import type { ChatMessage } from './prompt-message.ts';

/** Inputs of at most so many bytes in all are shown whole: what fits comfortably is read best. About where root models stop to answer better from the text alone. */
const DIRECT_BYTES = 60_000;
/** Of a context window, in bytes a token: what is shown whole leaves room for the turns; at most half of it where a deployment asks for more. */
const COMFORTABLE_BYTES_PER_TOKEN = 0.5;
const MOST_BYTES_PER_TOKEN = 2;
/** Descriptions of all tools together. */
const TOOLS_CHARS = 40_000;

export type SystemInput = Pick<
  NextTurnInput,
  | 'question'
  | 'manifest'
  | 'subModel'
  | 'depth'
  | 'maxDepth'
  | 'toolbox'
  | 'packages'
  | 'answerSchema'
  | 'budget'
> & {
  readonly card: Pick<
    ModelCard,
    'model' | 'contextTokens' | 'replies' | 'promptVariant' | 'directChars'
  >;
};

/**
 * The messages that open a run: the system prompt, and the question with a description of the inputs
 * (names, types, sizes, head and tail of the first ones; short inputs whole). Equal inputs give equal messages, so that a
 * repeated first turn finds its stored reply.
 */
export async function renderOpening(
  store: Store,
  input: SystemInput,
  prompts: Prompts,
): Promise<ChatMessage[]> {
  const manifest = await getJson(store, input.manifest, Manifest);
  const { entries } = manifest;
  const { card, subModel } = input;
  const variant = card.promptVariant ?? variantOf(card.model);
  const system = prompts.fill('system.md', {
    sub_model: subModel,
    sub_calls: prompts.variant(variant, { sub_model: subModel }),
    recursion: input.depth < input.maxDepth,
    tool_replies: card.replies === 'tool',
    ...(await describeTools(store, input.toolbox)),
    ...describePackages(input.packages),
  });
  const totalChars = entries.reduce((sum, entry) => sum + entry.chars, 0);
  const whole = isShort(entries, card);
  const question = prompts.fill('question.md', {
    question: await getText(store, input.question),
    ...(await describeAnswer(store, input.answerSchema ?? null)),
    has_limits: input.budget !== undefined,
    limits: input.budget === undefined ? '' : describeBudget(input.budget),
    shape: shapeOf(entries),
    total_chars: grouped(totalChars),
    inputs: await describeInputs(store, manifest, whole),
    whole,
  });
  return [
    { role: 'system', content: system },
    { role: 'user', content: question },
  ];
}

/** Whether the model is shown all of the inputs. By their bytes: a wide character is about as many tokens as it has bytes more. */
function isShort(
  entries: readonly ManifestEntry[],
  { contextTokens, directChars }: SystemInput['card'],
): boolean {
  if (entries.length > LISTED) return false;
  const bytes = entries.reduce((sum, { blob }) => sum + blob.sizeBytes, 0);
  const limit =
    directChars === undefined
      ? Math.min(DIRECT_BYTES, contextTokens * COMFORTABLE_BYTES_PER_TOKEN)
      : Math.min(directChars, contextTokens * MOST_BYTES_PER_TOKEN);
  return bytes <= limit;
}

/** A JSON Schema for a prompt: in a fence that it cannot close. */
export async function describeAnswer(
  store: Store,
  schema: TextRef | null,
): Promise<{ has_schema: boolean; answer_schema: string }> {
  if (schema === null) return { has_schema: false, answer_schema: '' };
  const text = await getText(store, schema);
  const fence = fenceFor(text);
  return { has_schema: true, answer_schema: `${fence}json\n${text}\n${fence}` };
}

function describeBudget({ turns, calls, costUsd, tokens, computeMs, wallClockMs }: Budget): string {
  const limits = [
    `${grouped(turns)} ${turns === 1 ? 'turn' : 'turns'}`,
    `${grouped(calls)} ${calls === 1 ? 'sub-call' : 'sub-calls'}`,
    `$${costUsd.toFixed(2)}`,
    ...(tokens === null ? [] : [`${grouped(tokens)} tokens`]),
    ...(computeMs === null || computeMs === undefined
      ? []
      : [`${seconds(computeMs)} s of compute`]),
    ...(wallClockMs === null ? [] : [`${seconds(wallClockMs)} s of time`]),
  ];
  return `You have at most ${limits.join(', ')}.`;
}

function seconds(ms: number): string {
  return grouped(Math.round(ms / 1000));
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
    card,
    budget,
    turn,
    packages,
  }: Pick<
    NextTurnInput,
    'question' | 'continues' | 'answerSchema' | 'card' | 'budget' | 'turn' | 'packages'
  >,
  prompts: Prompts,
): Promise<string> {
  const digest = continues?.manifest ?? null;
  const manifest = digest === null ? { entries: [] } : await getJson(store, digest, Manifest);
  const { entries } = manifest;
  const whole = entries.length > 0 && isShort(entries, card);
  return prompts.fill('continue.md', {
    question: await getText(store, question),
    ...(await describeAnswer(store, answerSchema ?? null)),
    has_limits: budget !== undefined,
    // Turns are numbered on; those that are left count.
    limits:
      budget === undefined ? '' : describeBudget({ ...budget, turns: budget.turns - turn + 1 }),
    ...describePackages(packages),
    has_inputs: entries.length > 0,
    total_chars: grouped(entries.reduce((sum, entry) => sum + entry.chars, 0)),
    inputs: await describeInputs(store, manifest, whole),
    whole,
  });
}
