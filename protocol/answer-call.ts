import { z } from 'zod';
import { StepKey } from './cell.ts';
import { Allowance } from './call-batch.ts';
import { Digest } from './digest.ts';
import { CacheMode, ModelCard } from './model-card.ts';
import { TextRef } from './text-ref.ts';
import { Usage } from './usage.ts';

export const AnswerCallInput = z.object({
  key: StepKey,
  journal: Digest,
  call: z.int().positive(),
  card: ModelCard,
  /** What the call may cost at most, its output cut to fit; absent: what the model's limits allow. */
  allowance: Allowance.pick({ costUsd: true, tokens: true }).optional(),
  cache: CacheMode.optional(),
});
export type AnswerCallInput = z.infer<typeof AnswerCallInput>;

/** The answer itself is a record in the store; only its cost travels. */
export const AnswerCallResult = z.object({
  status: z.enum(['ok', 'failed']),
  usage: Usage,
  /** True when the answer was found stored: nothing was sent. */
  repeated: z.boolean(),
  /** Registry name of the model that answered in place of the one meant, for who reads the history. */
  fallback: z.string().optional(),
});
export type AnswerCallResult = z.infer<typeof AnswerCallResult>;

export const CheckAnswerInput = z.object({ draft: TextRef, schema: TextRef.nullable() });
export type CheckAnswerInput = z.infer<typeof CheckAnswerInput>;

export const CheckAnswerResult = z.object({
  ok: z.boolean(),
  problems: z.array(z.string().max(500)).max(20),
});
export type CheckAnswerResult = z.infer<typeof CheckAnswerResult>;
