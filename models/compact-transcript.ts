import {
  type CompactTranscriptInput,
  type CompactTranscriptResult,
  FailureType,
  type ModelCard,
  NO_USAGE,
  type TranscriptLink,
  turnRecordKey,
} from '../protocol/index.ts';
import { canonicalJson, digestOf, putJson, type Store } from '../store/index.ts';
import { callModel } from './call-model.ts';
import { promptChars } from './message-size.ts';
import { ModelError } from './model-failure.ts';
import type { ChatMessage } from './prompt-message.ts';
import type { CallProgress } from './provider.ts';
import { nothingBeside, recordOnce } from './recorded.ts';
import type { Registry } from './registry.ts';
import { extendTranscript, readLinks } from './transcript.ts';
import { asReplies } from './turn-messages.ts';
import { answerIn, TurnReply } from './turn-reply.ts';
import { estimateTokens } from './usage.ts';

/** The newest turns stay as they are: so many at most, and so much of the context window. */
const KEPT_TURNS = 6;
const KEPT_SHARE = 0.25;
/** Room for thoughts and the summary itself. */
const SUMMARY_TOKENS = 16_000;

const HEADING = 'Summary of the turns before (the variable `history` has them whole):';
const MISSING =
  'No summary could be written. Look into `history` and the variables for what is known.';

export interface CompactDeps {
  readonly store: Store;
  readonly registry: Registry;
  readonly input: CompactTranscriptInput;
  /** Of the activity; counts from 1. */
  readonly attempt?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CallProgress) => void;
}

/**
 * A shorter transcript: the opening, a summary of the older turns by the root model, the newest turns. The old
 * transcript stays in the store, named by the new one. The summary is recorded under its exact prompt before this
 * resolves: run again, it gives the same transcript and pays nothing. Without older turns nothing changes. A
 * transcript that is too long even for its summary gets a sentence in its place. Throws ModelError.
 */
export async function compactTranscript(deps: CompactDeps): Promise<CompactTranscriptResult> {
  const { store, registry, input } = deps;
  const links = await readLinks(store, input.transcript);
  const kept = newest(links, input.card);
  const before = links.slice(0, links.length - kept.length).flatMap((link) => link.messages);
  const openingEnd = before.findIndex(({ role }) => role === 'assistant');
  if (openingEnd === -1) {
    return { transcript: input.transcript, usage: NO_USAGE, repeated: false };
  }
  const messages = [
    ...before,
    ...asReplies(before.at(-1), registry.prompts.fill('summarise.md', {}).trim()),
  ];
  const prompt = digestOf(
    Buffer.from(canonicalJson({ model: input.card.model, messages }), 'utf8'),
  );
  const { value, repeated, usage } = await recordOnce(
    store,
    turnRecordKey(input.workflowId, input.turn, prompt),
    TurnReply,
    (reply) => reply.usage,
    () => summarise(deps, messages),
    { signal: deps.signal, storeBeside: nothingBeside },
  );
  const summary: ChatMessage = {
    role: 'assistant',
    content: `${HEADING}\n\n${answerIn(value) ?? MISSING}`,
  };
  const first: TranscriptLink = {
    previous: null,
    messages: [...before.slice(0, openingEnd), summary],
    summarises: input.transcript,
  };
  let transcript = (await putJson(store, first)).digest;
  for (const [at, link] of kept.entries()) {
    transcript = await extendTranscript(
      store,
      transcript,
      at === 0 ? withoutCalls(link.messages) : link.messages,
    );
  }
  return { transcript, usage, repeated };
}

async function summarise(
  { store, registry, input, attempt, signal, onProgress }: CompactDeps,
  messages: readonly ChatMessage[],
): Promise<TurnReply> {
  const { card, allowance } = input;
  const small: ModelCard = {
    ...card,
    maxOutputTokens: Math.min(card.maxOutputTokens, SUMMARY_TOKENS),
  };
  try {
    return await callModel({
      store,
      registry,
      card: small,
      messages,
      allowance,
      attempt,
      ...(card.replies === 'tool' ? { python: 'none' } : {}),
      signal,
      onProgress,
    });
  } catch (error) {
    if (!(error instanceof ModelError) || error.failure.type !== FailureType.modelRejected)
      throw error;
    return { text: MISSING, finishReason: 'rejected', usage: NO_USAGE, model: card.model };
  }
}

/** The newest links that stay, oldest first: at least one. */
function newest(links: readonly TranscriptLink[], { contextTokens }: ModelCard): TranscriptLink[] {
  let tokens = 0;
  let count = 0;
  for (const link of links.toReversed()) {
    tokens += estimateTokens(promptChars(link.messages));
    if (count === KEPT_TURNS || (count > 0 && tokens > contextTokens * KEPT_SHARE)) break;
    count += 1;
  }
  return links.slice(links.length - count);
}

/** The first turn after the summary: what answered calls of a turn that is gone is said by the user. */
function withoutCalls(messages: readonly ChatMessage[]): ChatMessage[] {
  const answers = messages.filter(({ role }) => role === 'tool');
  const content = answers.at(-1)?.content;
  const others = messages.filter(({ role }) => role !== 'tool');
  return content === undefined ? others : [{ role: 'user', content }, ...others];
}
