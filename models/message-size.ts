import type { TranscriptMessage } from '../protocol/index.ts';

/** What of a message the model reads: its content and the arguments of its calls. */
export function readOf({ content, calls = [] }: Readonly<TranscriptMessage>): string {
  return content + calls.map((call) => call.arguments).join('');
}

/** Characters of a prompt. */
export function promptChars(messages: readonly Readonly<TranscriptMessage>[]): number {
  return messages.reduce((sum, message) => sum + readOf(message).length, 0);
}
