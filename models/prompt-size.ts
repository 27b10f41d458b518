import { FailureType, type ModelCard } from '../protocol/index.ts';
import { grouped } from './excerpt.ts';
import { promptChars } from './message-size.ts';
import { ModelError } from './model-failure.ts';
import type { ChatMessage } from './provider.ts';

/** No tokeniser in use packs prose or code tighter than this on average: only prompts that cannot fit are refused here. */
const MOST_CHARS_PER_TOKEN = 6;

/** Throws ModelError Model.Rejected, which names the limit, when a prompt cannot fit the model's context window: sending it would only cost time. */
export function assertFits(card: ModelCard, messages: readonly ChatMessage[]): void {
  const chars = promptChars(messages);
  if (chars <= card.contextTokens * MOST_CHARS_PER_TOKEN) return;
  throw new ModelError({
    type: FailureType.modelRejected,
    retryable: false,
    message: `The prompt has ${grouped(chars)} characters, ${card.model} takes about ${grouped(card.contextTokens * 4)} (${grouped(card.contextTokens)} tokens): split it, about 100,000 characters a call.`,
  });
}
