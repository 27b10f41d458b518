import { z } from 'zod';
import { CallImage, type CallRequest, MOST_IMAGES } from '../protocol/index.ts';
import type { Store } from '../store/index.ts';
import { inParallel } from './journal.ts';

const CallExtra = z.object({
  schema: z.string().optional(),
  images: z
    .array(z.object({ mediaType: CallImage.shape.mediaType, base64: z.string() }))
    .max(MOST_IMAGES)
    .optional(),
});

/** What a sub-call shows beside its prompt, with images as blobs. Nothing when the kernel forged it: that is only the loss of its own call. */
export async function storeExtra(
  store: Store,
  json: Buffer,
): Promise<Pick<CallRequest, 'schema' | 'images'>> {
  const { schema, images = [] } = parse(json);
  const stored = await inParallel(images, async ({ mediaType, base64 }) => {
    const { digest } = await store.blobs.put(Buffer.from(base64, 'base64'));
    return { mediaType, blob: digest };
  });
  return {
    ...(schema === undefined ? {} : { schema }),
    ...(stored.length === 0 ? {} : { images: stored }),
  };
}

function parse(json: Buffer): z.infer<typeof CallExtra> {
  try {
    return CallExtra.parse(JSON.parse(json.toString('utf8')));
  } catch {
    return {};
  }
}
