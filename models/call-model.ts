import type { ModelCard } from '../protocol/index.ts';
import { promptChars } from './message-size.ts';
import { assertFits } from './prompt-size.ts';
import { type CallProgress, type ChatMessage, type ChatReply, completeChat } from './provider.ts';
import type { Registry } from './registry.ts';
import { estimateTokens } from './usage.ts';

export interface ModelCall {
  readonly registry: Registry;
  readonly card: ModelCard;
  readonly messages: readonly ChatMessage[];
  readonly python?: 'auto' | 'none';
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CallProgress) => void;
}

/** One call of a registered model: its size checked, in its turn by the model's limiter, sent once. Throws as `completeChat` and `Limiter.run` do. */
export async function callModel({ registry, card, ...call }: ModelCall): Promise<ChatReply> {
  assertFits(card, call.messages);
  const endpoint = registry.endpoint(card.name);
  const chars = promptChars(call.messages);
  return await registry
    .limiter(card.name)
    .run(estimateTokens(chars), () => completeChat({ card, endpoint, ...call }), call.signal);
}
