import type { CallImage, TranscriptMessage } from '../protocol/index.ts';
import type { Store } from '../store/index.ts';
import type { ModelCard } from '../protocol/index.ts';
import { itemsFor, type OpaqueItems } from './opaque-reasoning.ts';

/** A message with all that goes over the wire with it. */
export interface PromptMessage extends Readonly<TranscriptMessage> {
  readonly images?: readonly { readonly mediaType: string; readonly base64: string }[];
  readonly items?: OpaqueItems;
}

/** A message of a prompt: images and opaque items by their blobs. */
export interface ChatMessage extends Readonly<TranscriptMessage> {
  readonly shows?: readonly CallImage[];
}

/** Reads what messages name by digest, for one model. */
export async function loadMessages(
  store: Store,
  card: ModelCard,
  messages: readonly ChatMessage[],
): Promise<PromptMessage[]> {
  const loaded: PromptMessage[] = [];
  for (const { shows = [], ...message } of messages) {
    const items = await itemsFor(store, card, message.opaque);
    const images = [];
    for (const { mediaType, blob } of shows) {
      const bytes = await store.blobs.get(blob);
      images.push({ mediaType, base64: Buffer.from(bytes).toString('base64') });
    }
    loaded.push({
      ...message,
      ...(images.length === 0 ? {} : { images }),
      ...(items === undefined ? {} : { items }),
    });
  }
  return loaded;
}
