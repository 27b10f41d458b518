import { turnRecordKey, type NextTurnInput, type NextTurnResult } from '../protocol/index.ts';
import { canonicalJson, digestOf, putText, type Store } from '../store/index.ts';
import { callModel } from './call-model.ts';
import { mostTokens } from './message-size.ts';
import type { ChatMessage } from './prompt-message.ts';
import type { CallProgress } from './provider.ts';
import { recordOnce } from './recorded.ts';
import type { Registry } from './registry.ts';
import { extendTranscript, readTranscript } from './transcript.ts';
import { newMessages } from './turn-messages.ts';
import { answerIn, cellsOf, confirmsInWords, endOf, replyText, TurnReply } from './turn-reply.ts';

export interface TurnDeps {
  readonly store: Store;
  readonly registry: Registry;
  readonly input: NextTurnInput;
  /** Of the activity; counts from 1. */
  readonly attempt?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CallProgress) => void;
}

/**
 * One turn of the root model. The prompt is the transcript and what happened since; the reply is recorded
 * under the exact prompt before this resolves, so that an attempt that runs again finds it and pays
 * nothing (`repeated`). The transcript grows by one link: the new messages and the reply. Throws ModelError.
 */
export async function takeTurn(deps: TurnDeps): Promise<NextTurnResult> {
  const { store, registry, input, attempt, signal, onProgress } = deps;
  const before = await readTranscript(store, input.transcript);
  const fresh = await newMessages(store, input, before, registry.prompts);
  const messages = [...before, ...fresh];
  const prompt = digestOf(
    Buffer.from(canonicalJson({ model: input.card.model, messages }), 'utf8'),
  );
  const isLast = input.purpose === 'answer';
  const { value, beside, repeated, usage } = await recordOnce(
    store,
    turnRecordKey(input.workflowId, input.turn, prompt),
    TurnReply,
    (reply) => reply.usage,
    () =>
      callModel({
        store,
        registry,
        card: input.card,
        messages,
        allowance: input.allowance,
        promptTokens: promptTokens(input, messages, fresh),
        attempt,
        oneBlock: input.card.oneBlock === true && input.card.replies !== 'tool' && !isLast,
        // Also when no call is wanted: some providers refuse calls in a transcript without the tool.
        ...(input.card.replies === 'tool' ? { python: isLast ? 'none' : 'auto' } : {}),
        signal,
        onProgress,
      }),
    { signal, storeBeside: (reply) => storeReply(deps, fresh, reply) },
  );
  const { confirms, answered, ...stored } = beside;
  return {
    ...stored,
    usage,
    repeated,
    finishReason: endOf(value),
    ...(value.by === undefined || value.by === input.card.name ? {} : { fallback: value.by }),
    ...(confirms ? { confirms } : {}),
    // Of the reply alone: `usage` may hold the cost of another attempt.
    transcriptTokens: value.usage.inputTokens + value.usage.outputTokens,
    ...(isLast ? { answer: answered } : {}),
  };
}

/** The transcript with a reply, and what the reply comes to. */
async function storeReply(
  { store, input }: TurnDeps,
  fresh: readonly ChatMessage[],
  value: TurnReply,
) {
  const isLast = input.purpose === 'answer';
  const said: ChatMessage = {
    role: 'assistant',
    content: value.text,
    ...(value.calls === undefined ? {} : { calls: value.calls }),
    ...(value.opaque === undefined ? {} : { opaque: value.opaque }),
  };
  const confirms = !isLast && confirmsInWords(value);
  const { cells, ignoredBlocks } =
    isLast || confirms ? { cells: [], ignoredBlocks: [] } : cellsOf(value);
  const answer = isLast ? answerIn(value) : null;
  // Together: each waits for the disk.
  const [transcript, reply, answered, ...codes] = await Promise.all([
    extendTranscript(store, input.transcript, [...fresh, said]),
    putText(store, replyText(value)),
    answer === null ? null : putText(store, answer),
    ...cells.map((code) => putText(store, code)),
  ]);
  return {
    transcript,
    reply,
    cells: codes.filter((code) => code !== null),
    ignoredBlocks: [...ignoredBlocks],
    confirms,
    answered,
  };
}

/** Of a long transcript the provider has counted all but what is new: only that is reckoned by its bytes. */
function promptTokens(
  { allowance }: NextTurnInput,
  messages: readonly ChatMessage[],
  fresh: readonly ChatMessage[],
): number {
  const known = allowance?.knownTokens ?? null;
  const byBytes = mostTokens(messages);
  return known === null ? byBytes : Math.min(byBytes, known + mostTokens(fresh));
}
