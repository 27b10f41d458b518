import { FailureType, LEAST_OUTPUT_TOKENS, type ModelCard } from '../protocol/index.ts';
import { countTokens } from './count-tokens.ts';
import { grouped } from './excerpt.ts';
import { findKnownModel } from './known-models.ts';
import { imageTokens, mostTokens, promptChars, readOf } from './message-size.ts';
import { ModelError } from './model-failure.ts';
import type { ChatMessage } from './prompt-message.ts';

/** Tokenisers of other families give so much less, or more, than ours: only what cannot fit is refused. */
const OTHERS = { least: 0.75, most: 1.2 };
const OURS = { least: 0.99, most: 1.02 };
/** What is advised at most, whatever the model takes. */
const GOOD_CHARS = 100_000;

/**
 * The card with its output limit cut to the room that the prompt leaves in the context window: many servers refuse a
 * call whose prompt and limit together exceed it. Throws ModelError Model.Rejected, which names the limit, when the prompt does not
 * fit: sending it would only cost time.
 */
export async function fitContext(
  card: ModelCard,
  messages: readonly ChatMessage[],
): Promise<ModelCard> {
  const { contextTokens, maxOutputTokens } = card;
  // Bytes bound tokens: most prompts need no counting.
  if (mostTokens(messages) + maxOutputTokens <= contextTokens) return card;
  const chars = promptChars(messages);
  const tokens = await tokensOf(messages);
  const { least, most } = findKnownModel(card.model) === undefined ? OTHERS : OURS;
  if (tokens * least >= contextTokens) throw tooLong(card, chars, tokens);
  const room = contextTokens - Math.ceil(tokens * most);
  return {
    ...card,
    maxOutputTokens: Math.max(
      Math.min(LEAST_OUTPUT_TOKENS, maxOutputTokens, Math.ceil(contextTokens / 4)),
      Math.min(maxOutputTokens, room),
    ),
  };
}

async function tokensOf(messages: readonly ChatMessage[]): Promise<number> {
  let tokens = 0;
  for (const message of messages) {
    const { opaque, shows } = message;
    tokens += await countTokens(readOf(message));
    tokens += Math.ceil((opaque?.bytes ?? 0) / 4) + imageTokens(shows?.length ?? 0);
  }
  return tokens;
}

function tooLong({ model, contextTokens }: ModelCard, chars: number, tokens: number): ModelError {
  const piece = Math.min(GOOD_CHARS, contextTokens * 2);
  return new ModelError({
    type: FailureType.modelRejected,
    retryable: false,
    message: `The prompt has ${grouped(chars)} characters, about ${grouped(tokens)} tokens, and ${model} takes ${grouped(contextTokens)} tokens: split it, about ${grouped(piece)} characters a call.`,
  });
}
