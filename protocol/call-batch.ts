import { z } from 'zod';
import { StepKey } from './cell.ts';
import { Digest } from './digest.ts';
import { CallRanges } from './call-ranges.ts';
import { Delivery } from './journal.ts';
import { CacheMode, ModelCard } from './model-card.ts';
import { EndReason } from './run-result.ts';
import { Spend } from './spend.ts';

/** What a call, a batch of calls or a sub-run may spend; null is no limit. */
export const Allowance = z.object({
  calls: z.int().nonnegative(),
  costUsd: z.number().nonnegative(),
  tokens: z.int().nonnegative().nullable(),
  computeMs: z.number().nonnegative().nullable(),
});
export type Allowance = z.infer<typeof Allowance>;

/** The argument of `callBatch`: some sub-calls of one wide round. */
export const CallBatchInput = z.object({
  key: StepKey,
  journal: Digest,
  calls: CallRanges,
  /** The round that they belong to, for summaries. */
  round: z.object({ firstCall: z.int().positive(), callCount: z.int().positive() }),
  /** Of the longest prompt of the round. */
  promptBytes: z.int().nonnegative(),
  card: ModelCard,
  cache: CacheMode.optional(),
  concurrency: z.int().positive(),
  allowance: Allowance,
});
export type CallBatchInput = z.infer<typeof CallBatchInput>;

/** Calls in neither list were answered: their answers are records in the store. */
export const CallBatchResult = z.object({
  failed: Delivery.shape.failed,
  /** Calls that the allowance did not reach. */
  unasked: CallRanges,
  spend: Spend,
  /** Its sealed history; null when that could not be stored. */
  trail: Digest.nullable().optional(),
});
export type CallBatchResult = z.infer<typeof CallBatchResult>;

/** Argument of the signal by which a batch hands over answers while others are still awaited. */
export const HandOver = z.object({
  workflowId: z.string(),
  recorded: CallRanges,
  failed: Delivery.shape.failed,
});
export type HandOver = z.infer<typeof HandOver>;

/** Argument of the signal by which a sub-run or batch says what it has spent since its start. */
export const SpendReport = z.object({
  workflowId: z.string(),
  spend: Spend,
  /** True when nothing more will be spent. */
  final: z.boolean(),
});
export type SpendReport = z.infer<typeof SpendReport>;

/** Of these calls of a waiting cell, which have their answers in the store? Asked when the batch that made them is lost. */
export const FindAnsweredInput = z.object({ key: StepKey, journal: Digest, calls: CallRanges });
export type FindAnsweredInput = z.infer<typeof FindAnsweredInput>;

export const FindAnsweredResult = z.object({ answered: CallRanges });
export type FindAnsweredResult = z.infer<typeof FindAnsweredResult>;

/** A call of a waiting cell that the workflow answers itself, with a sub-run. */
export const FindAnswerInput = z.object({
  key: StepKey,
  journal: Digest,
  call: z.int().positive(),
});
export type FindAnswerInput = z.infer<typeof FindAnswerInput>;

/** What an earlier execution had paid for the answer that is recorded; null when there is none. */
export const FindAnswerResult = z.object({ spend: Spend.nullable() });
export type FindAnswerResult = z.infer<typeof FindAnswerResult>;

export const RecordSubRunInput = FindAnswerInput.extend({
  /** The sub-run's answer: a text of the store. */
  text: Digest,
  model: z.string(),
  spend: Spend,
  /** Why the sub-run ended; absent: it answered. Anything else says that the text is its best draft. */
  reason: EndReason.optional(),
});
export type RecordSubRunInput = z.infer<typeof RecordSubRunInput>;
