import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { type Found, findQuotes, findQuotesInJson } from './find-quotes.ts';

const THREAD = new URL(
  `./look-up-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
);

/** Bytes times characters, and characters, that are looked at here at most: about a tenth of a second at worst: a thread costs as much. */
const SMALL_WORK = 50_000_000;
const SMALL_CHARS = 20_000;

/** Citations to look up in one input. */
export const Lookup = z.object({
  utf8: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
  format: z.enum(['text', 'json']),
  /** How the input is called. */
  name: z.string(),
  wanted: z.array(
    z.object({
      input: z.string().nullable(),
      quote: z.string().nullable(),
      start: z.number().nullable(),
      end: z.number().nullable(),
    }),
  ),
});
export type Lookup = z.infer<typeof Lookup>;

export function lookUpHere({ utf8, format, name, wanted }: Lookup): (Found | null)[] {
  if (format === 'text') return findQuotes(utf8, wanted);
  return findQuotesInJson(Buffer.from(utf8).toString('utf8'), name, wanted);
}

/**
 * Where citations stand in an input, in order, null where one does not. Words that are chosen well can take for ever to
 * be looked for, and a model chose them: what is not small is done in a thread, which is ended after `limitMs`. Null then.
 */
export async function lookUp(
  lookup: Lookup,
  limitMs: number,
  signal?: AbortSignal,
): Promise<(Found | null)[] | null> {
  const chars = lookup.wanted.reduce((sum, { quote }) => sum + (quote?.length ?? 1), 0);
  if (chars <= SMALL_CHARS && lookup.utf8.byteLength * chars <= SMALL_WORK)
    return lookUpHere(lookup);
  if (limitMs <= 0) return null;
  const thread = new Worker(THREAD, { workerData: lookup });
  const { promise, resolve, reject } = Promise.withResolvers<(Found | null)[] | null>();
  const timer = setTimeout(() => resolve(null), limitMs);
  const abort = (): void => reject(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  thread.once('message', resolve);
  thread.once('error', reject);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    await thread.terminate();
  }
}
