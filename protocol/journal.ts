import { z } from 'zod';
import { CallRanges } from './call-ranges.ts';
import { Digest } from './digest.ts';
import { Spend } from './spend.ts';
import { Usage } from './usage.ts';
import { ValueFormat } from './variables.ts';

/** Images that one call may show. */
export const MOST_IMAGES = 20;

export const CallImage = z.object({
  mediaType: z.enum(['image/png', 'image/jpeg', 'image/gif', 'image/webp']),
  blob: Digest,
});
export type CallImage = z.infer<typeof CallImage>;

/** What Python asked for; the content of a request blob. `llm` is a sub-call, `rlm` a sub-run, `human` a question to a person, `tool` a call of a tool. */
export const CallRequest = z.object({
  kind: z.enum(['llm', 'rlm', 'human', 'tool']),
  /** Of a tool: its arguments, a JSON object. */
  prompt: z.string(),
  /** Model name from the registry; null is the run's sub-model. */
  model: z.string().max(200).nullable(),
  /** Value of `context=` of a sub-run. */
  context: z.object({ format: ValueFormat, blob: Digest }).nullable(),
  /** Name of the tool, as the REPL knows it. */
  tool: z.string().max(200).optional(),
  /** Of a sub-call: what the model is shown beside the prompt. */
  images: z.array(CallImage).max(MOST_IMAGES).optional(),
  /** Of a sub-call: JSON Schema (as text) that its answer has to satisfy. */
  schema: z.string().optional(),
});
export type CallRequest = z.infer<typeof CallRequest>;

/** The result of a call; the content of an answer blob. A failed call is data, never mistakable for an answer. */
export const CallAnswer = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('ok'),
    text: z.string(),
    model: z.string(),
    finishReason: z.string(),
    usage: Usage,
    /** Of a sub-run: all that it spent, for a run that finds the answer again. */
    spend: Spend.optional(),
    /** What the model wrote while it thought; for the audit, not shown to Python. */
    reasoning: z.string().optional(),
    /** Blob of what the provider gave of its thoughts that only it can read; for the audit. */
    opaque: Digest.optional(),
    /** Registry name of the model that was asked because the one meant could not be reached. */
    fallback: z.string().optional(),
    /** What `.data` is of it: the text itself, or the value of its JSON. Absent: JSON when it looks so. */
    format: ValueFormat.optional(),
  }),
  z.object({
    status: z.literal('failed'),
    type: z.string(),
    message: z.string(),
    /** What a call cost that failed after it was answered, for instance by a refusal; absent when nothing was paid. */
    usage: Usage.optional(),
  }),
]);
export type CallAnswer = z.infer<typeof CallAnswer>;

/** A call as a journal names it. Numbers count from 1 in each cell attempt. */
export const JournalCall = z.object({
  number: z.int().positive(),
  kind: CallRequest.shape.kind,
  request: Digest,
  preview: z.string(),
});
export type JournalCall = z.infer<typeof JournalCall>;

/**
 * One link of a journal, a chain of blobs (JSON) from the newest link back to the cell's start.
 * `round`: the cell stopped at these new calls. `delivery`: these answers were handed in together.
 */
export const JournalLink = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('round'),
    previous: Digest.nullable(),
    calls: z.array(JournalCall).min(0),
    /** Sizes of the cell's rounds, this one included: the first 100. With the number of the newest call it saves reading the chain. */
    rounds: z.array(z.int().nonnegative()).max(100).optional(),
    /** Calls of the cell up to this round. */
    callsSoFar: z.int().nonnegative().optional(),
  }),
  z.object({
    kind: z.literal('delivery'),
    previous: Digest,
    clockMs: z.number(),
    answers: z.array(z.object({ call: z.int().positive(), answer: Digest })).min(1),
  }),
]);
export type JournalLink = z.infer<typeof JournalLink>;

/** Answers handed to a waiting cell together, decided by the workflow. */
export const Delivery = z.object({
  clockMs: z.number(),
  /** Calls whose answers are records in the store (see `answerRecordKey`). */
  recorded: CallRanges,
  /** Calls that failed for good outside of `answerCall` (retries used up, timeouts, budget), grouped by reason. */
  failed: z.array(z.object({ calls: CallRanges, type: z.string(), message: z.string().max(500) })),
  /** Results of sub-runs: the text blob of their answer. */
  subRuns: z.array(
    z.object({ call: z.int().positive(), text: Digest, model: z.string(), usage: Usage }),
  ),
});
export type Delivery = z.infer<typeof Delivery>;
