import { type Digest, TranscriptLink } from '../protocol/index.ts';
import { getJson, putJson, type Store } from '../store/index.ts';
import type { ChatMessage } from './prompt-message.ts';

/** All messages of a transcript, oldest first; `newest` null is an empty one. */
export async function readTranscript(store: Store, newest: Digest | null): Promise<ChatMessage[]> {
  return (await readLinks(store, newest)).flatMap((link) => link.messages);
}

/** The links of a transcript, oldest first: a link a turn. */
export async function readLinks(store: Store, newest: Digest | null): Promise<TranscriptLink[]> {
  const links: TranscriptLink[] = [];
  for (let at = newest; at !== null; at = links.at(-1)?.previous ?? null) {
    links.push(await getJson(store, at, TranscriptLink));
  }
  return links.toReversed();
}

/** Stores one more link and returns its digest. Equal links are one blob: extending twice gives the same digest. */
export async function extendTranscript(
  store: Store,
  previous: Digest | null,
  messages: readonly ChatMessage[],
): Promise<Digest> {
  const link: TranscriptLink = { previous, messages: [...messages] };
  return (await putJson(store, link)).digest;
}
