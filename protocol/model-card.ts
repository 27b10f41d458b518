import { z } from 'zod';

/** Which equal sub-calls are asked once: none (`off`; `none` is its older name), those of a run, or those of all runs on one store. */
export const CacheMode = z.enum(['off', 'none', 'run', 'shared']);
export type CacheMode = z.infer<typeof CacheMode>;

/** Whether equal sub-calls of a run get one answer. */
export function asksOnce(cache: CacheMode | undefined): boolean {
  return cache === 'run' || cache === 'shared';
}

/** Prices in US dollars per million tokens; null when unknown (cost then counts as 0 and is marked estimated). */
export const ModelPrices = z.object({
  inputUsdPerMTok: z.number().nonnegative(),
  cachedInputUsdPerMTok: z.number().nonnegative(),
  outputUsdPerMTok: z.number().nonnegative(),
});
export type ModelPrices = z.infer<typeof ModelPrices>;

/**
 * What a workflow may know of a model: limits, prices, timeouts, queue; never a key. Made once by
 * `resolveSpec` and recorded in the history, so a later change of prices does not change a running run.
 */
const CardFields = z.object({
  /** Name in the registry; the process that calls models looks up base URL and key by it. */
  name: z.string().min(1).max(200),
  /** Model id sent to the provider. */
  model: z.string().min(1).max(200),
  contextTokens: z.int().positive(),
  maxOutputTokens: z.int().positive(),
  prices: ModelPrices.nullable(),
  /** Whole call, from request to last byte. */
  timeoutMs: z.int().positive(),
  taskQueue: z.string().min(1),
  /** True for the scripted stand-in: shown wherever a person meets its answers. */
  standIn: z.boolean(),
  /** How the model writes its cells: as fenced blocks of its text (default), or as calls of a tool. */
  replies: z.enum(['text', 'tool']).optional(),
  /** The model goes on after a block of code and makes its output up: generation stops where its first whole block ends. */
  oneBlock: z.boolean().optional(),
  /** Part of the prompts that says how much it should use sub-calls; absent: that of its family. */
  promptVariant: z.string().min(1).max(100).optional(),
  /** Inputs of at most so many characters in all are shown to it whole; absent: by its context window. */
  directChars: z.int().nonnegative().optional(),
});

export const ModelCard = CardFields.extend({
  /** Asked in this order when the model itself cannot be reached. */
  fallbacks: z.array(CardFields).max(8).optional(),
});
export type ModelCard = z.infer<typeof ModelCard>;
