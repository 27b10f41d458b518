import { IMAGE_TOKENS, type TranscriptMessage } from '../protocol/index.ts';
import type { ChatMessage } from './prompt-message.ts';

/** What a provider puts around each message, in tokens, with room to spare. */
const TOKENS_A_MESSAGE = 16;

/** What of a message the model reads: its content and the arguments of its calls. */
export function readOf({ content, calls = [] }: Readonly<TranscriptMessage>): string {
  return content + calls.map((call) => call.arguments).join('');
}

/** Characters of a prompt. */
export function promptChars(messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, message) => sum + readOf(message).length, 0);
}

/** At most so many tokens: as many as bytes, and what no tokeniser counts. */
export function mostTokens(messages: readonly ChatMessage[]): number {
  return messages.reduce(
    (sum, message) =>
      sum +
      Buffer.byteLength(readOf(message), 'utf8') +
      (message.opaque?.bytes ?? 0) +
      imageTokens(message.shows?.length ?? 0) +
      TOKENS_A_MESSAGE,
    0,
  );
}

/** At most so many tokens for so many images. */
export function imageTokens(images: number): number {
  return images * IMAGE_TOKENS;
}
