import { addUsage, FailureType, type CallAnswer, type CallRequest } from '../protocol/index.ts';
import { getText, type Store } from '../store/index.ts';
import { callModel, type ModelCall, type ModelReply } from './call-model.ts';
import { checkUsableSchema } from './check-schema.ts';
import { ANSWER_WITH, jsonAnswer } from './json-answer.ts';
import { ModelError } from './model-failure.ts';
import type { ChatMessage } from './prompt-message.ts';

/** Of a refusal or of a wrong answer, what the caller is told. */
const QUOTED_CHARS = 300;

/** What a reply comes to. `again` is what is said to the model when the same question may get an answer yet; null: nothing but the question. */
type Judged =
  | { readonly answer: CallAnswer; readonly again?: never }
  | { readonly answer: CallAnswer & { status: 'failed' }; readonly again: string | null };

export interface Answered {
  readonly answer: CallAnswer;
  /** Registry name of the model that answered. */
  readonly by: string;
}

/**
 * Asks a model for the answer to a sub-call. A reply without an answer in it (nothing, nothing but thoughts, a refusal,
 * JSON that does not satisfy the schema) was paid for, but is not taken for one: it is a failed answer. An empty reply and
 * wrong JSON are asked about once more, as far as the allowance goes. Throws ModelError when no reply came.
 */
export async function askForAnswer(
  call: Omit<ModelCall, 'messages'>,
  request: CallRequest,
): Promise<Answered> {
  const { store, card } = call;
  const { schema, images = [] } = request;
  if (schema !== undefined) assertUsable(schema);
  const prompt: ChatMessage = {
    role: 'user',
    content: await promptOf(store, request),
    ...(images.length === 0 ? {} : { shows: images }),
  };
  const asked = { ...call, ...(schema === undefined ? {} : { schema }) };
  const first = await callModel({ ...asked, messages: [prompt] });
  const judged = await judge(first, card.maxOutputTokens, schema);
  if (judged.again === undefined) return { answer: judged.answer, by: first.by };
  const messages =
    judged.again === null
      ? [prompt]
      : [prompt, replyOf(first), { role: 'user' as const, content: judged.again }];
  const second = await callModel({
    ...asked,
    messages,
    allowance: lessSpent(call.allowance, first),
  }).catch((error: unknown) => {
    // The first one was paid for: its failure is the answer, whatever came in between.
    if (error instanceof ModelError) return null;
    throw error;
  });
  if (second === null) return { answer: judged.answer, by: first.by };
  const { answer } = await judge(second, card.maxOutputTokens, schema);
  return {
    answer: { ...answer, usage: addUsage(first.usage, second.usage) },
    by: second.by,
  };
}

/** A sub-run that comes here (the depth limit is reached) is asked as a sub-call: its context goes with the prompt. */
async function promptOf(store: Store, { prompt, context, schema }: CallRequest): Promise<string> {
  const parts = [prompt];
  if (context !== null) {
    parts.push(`<context>\n${await getText(store, context.blob)}\n</context>`);
  }
  if (schema !== undefined) parts.push(`${ANSWER_WITH}\n${schema}`);
  return parts.join('\n\n');
}

async function judge(
  reply: ModelReply,
  maxOutputTokens: number,
  schema: string | undefined,
): Promise<Judged> {
  const { text, finishReason, usage, model, reasoning, opaque } = reply;
  const failed = (message: string) => ({
    status: 'failed' as const,
    type: FailureType.modelRejected,
    message,
    usage,
  });
  if (finishReason === 'content_filter') {
    return { answer: failed(`The provider's content filter stopped the answer of ${model}.`) };
  }
  if (finishReason === 'refusal') {
    return { answer: failed(`${model} refused: ${text.slice(0, QUOTED_CHARS)}`) };
  }
  const isCut = finishReason === 'length';
  if (text.trim() === '') {
    if (isCut) {
      const most = `all of its ${maxOutputTokens} output tokens`;
      return { answer: failed(`${model} used ${most} without an answer: ask for less at once.`) };
    }
    const what =
      reasoning === undefined ? 'gave an empty answer' : 'only thought, without an answer';
    return { answer: failed(`${model} ${what}.`), again: null };
  }
  const ok = {
    status: 'ok' as const,
    model,
    finishReason,
    usage,
    ...(reasoning === undefined ? {} : { reasoning }),
    ...(opaque === undefined ? {} : { opaque: opaque.blob }),
  };
  if (schema === undefined) return { answer: { ...ok, text } };
  if (isCut) {
    // Never repaired: what is missing would look like what was not found.
    const what = `The JSON of ${model} was cut off by the output limit of ${maxOutputTokens} tokens`;
    return { answer: failed(`${what}: ask for less at once.`) };
  }
  const json = await jsonAnswer(text, schema);
  if (json.ok) return { answer: { ...ok, text: json.text, format: 'json' } };
  const problems = json.problems.join(' ');
  return {
    answer: failed(
      `The answer of ${model} does not satisfy the schema: ${problems.slice(0, QUOTED_CHARS)} It begins: ${text.slice(0, QUOTED_CHARS)}`,
    ),
    again: `That does not satisfy the JSON Schema: ${problems}\nGive the whole answer again, corrected, as JSON alone.`,
  };
}

function replyOf({ text, opaque }: ModelReply): ChatMessage {
  return { role: 'assistant', content: text, ...(opaque === undefined ? {} : { opaque }) };
}

function lessSpent(
  allowance: ModelCall['allowance'],
  { usage }: ModelReply,
): ModelCall['allowance'] {
  if (allowance === undefined) return undefined;
  const { costUsd, tokens } = allowance;
  return {
    costUsd: Math.max(0, costUsd - usage.costUsd),
    tokens: tokens === null ? null : Math.max(0, tokens - usage.inputTokens - usage.outputTokens),
  };
}

function assertUsable(schema: string): void {
  try {
    const parsed: Record<string, unknown> = JSON.parse(schema);
    checkUsableSchema(parsed);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ModelError({
      type: FailureType.invalidInput,
      retryable: false,
      message: `schema= is no JSON Schema that can be used: ${reason.slice(0, QUOTED_CHARS)}`,
    });
  }
}
