import {
  turnRecordKey,
  type ModelCard,
  type NextTurnInput,
  type NextTurnResult,
} from '../protocol/index.ts';
import { canonicalJson, digestOf, putText, type Store } from '../store/index.ts';
import { callModel } from './call-model.ts';
import type { CallProgress, ChatMessage } from './provider.ts';
import { recordOnce } from './recorded.ts';
import type { Registry } from './registry.ts';
import { extendTranscript, readTranscript } from './transcript.ts';
import { newMessages } from './turn-messages.ts';
import { answerIn, cellsOf, confirmsInWords, replyText, TurnReply } from './turn-reply.ts';
import { mostTokens, withinAllowance } from './within-allowance.ts';

export interface TurnDeps {
  readonly store: Store;
  readonly registry: Registry;
  readonly input: NextTurnInput;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CallProgress) => void;
}

/**
 * One turn of the root model. The prompt is the transcript and what happened since; the reply is recorded
 * under the exact prompt before this resolves, so that an attempt that runs again finds it and pays
 * nothing (`repeated`). The transcript grows by one link: the new messages and the reply. Throws ModelError.
 */
export async function takeTurn(deps: TurnDeps): Promise<NextTurnResult> {
  const { store, registry, input, signal, onProgress } = deps;
  const before = await readTranscript(store, input.transcript);
  const fresh = await newMessages(store, input, before, registry.promptFolder);
  const messages = [...before, ...fresh];
  const prompt = digestOf(
    Buffer.from(canonicalJson({ model: input.card.model, messages }), 'utf8'),
  );
  const isLast = input.purpose === 'answer';
  const { value, repeated, usage } = await recordOnce(
    store,
    turnRecordKey(input.workflowId, input.turn, prompt),
    TurnReply,
    (reply) => reply.usage,
    () =>
      callModel({
        registry,
        card: affordable(input, messages, fresh),
        messages,
        // Also when no call is wanted: some providers refuse calls in a transcript without the tool.
        ...(input.card.replies === 'tool' ? { python: isLast ? 'none' : 'auto' } : {}),
        signal,
        onProgress,
      }),
    signal,
  );
  const said: ChatMessage = {
    role: 'assistant',
    content: value.text,
    ...(value.calls === undefined ? {} : { calls: value.calls }),
  };
  const confirms = !isLast && confirmsInWords(value);
  const { cells, ignoredBlocks } =
    isLast || confirms ? { cells: [], ignoredBlocks: [] } : cellsOf(value);
  const answer = isLast ? answerIn(value) : null;
  return {
    transcript: await extendTranscript(store, input.transcript, [...fresh, said]),
    reply: await putText(store, replyText(value)),
    cells: await Promise.all(cells.map((code) => putText(store, code))),
    ignoredBlocks: [...ignoredBlocks],
    usage,
    repeated,
    finishReason: value.finishReason,
    ...(confirms ? { confirms } : {}),
    // Of the reply alone: `usage` may hold the cost of another attempt.
    transcriptTokens: value.usage.inputTokens + value.usage.outputTokens,
    ...(isLast ? { answer: answer === null ? null : await putText(store, answer) } : {}),
  };
}

/** Of a long transcript the provider has counted all but what is new: only that is reckoned by its bytes. */
function affordable(
  { card, allowance }: NextTurnInput,
  messages: readonly ChatMessage[],
  fresh: readonly ChatMessage[],
): ModelCard {
  const known = allowance?.knownTokens ?? null;
  const byBytes = mostTokens(messages);
  const most = known === null ? byBytes : Math.min(byBytes, known + mostTokens(fresh));
  return withinAllowance(card, most, allowance);
}
