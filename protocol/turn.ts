import { z } from 'zod';
import { AnswerState, FinishedCell, RolledBackCell } from './cell.ts';
import { Digest } from './digest.ts';
import { ModelCard } from './model-card.ts';
import { Budget } from './budget.ts';
import * as caps from './caps.ts';
import { ResolvedPackage } from './package-ref.ts';
import { TextRef } from './text-ref.ts';
import { Usage } from './usage.ts';

/** What the model is shown of one cell. */
export const CellObservation = z.object({
  cell: z.string(),
  outcome: z.discriminatedUnion('kind', [
    FinishedCell.pick({
      kind: true,
      stdout: true,
      stderr: true,
      value: true,
      error: true,
      changes: true,
      changesOmitted: true,
      calls: true,
    }),
    RolledBackCell.pick({ kind: true, reason: true, message: true, stdout: true, stderr: true }),
  ]),
});
export type CellObservation = z.infer<typeof CellObservation>;

/** What happened since the model's last reply, in the order in which it is shown. */
export const Observation = z.object({
  /** `turn 4/30 · 12 sub-calls · $0.08 of $1.00 · draft v2, 1,204 chars` */
  statusLine: z.string().max(300),
  cells: z.array(CellObservation),
  /** Sentences of the engine: reminders, problems of the draft, a request to confirm. */
  notes: z.array(z.string().max(2000)),
  /** The draft to show with a request to confirm. */
  draft: AnswerState.shape.content,
});
export type Observation = z.infer<typeof Observation>;

export const NextTurnInput = z.object({
  workflowId: z.string(),
  turn: z.int().positive(),
  card: ModelCard,
  subModel: z.string(),
  question: TextRef,
  manifest: Digest,
  depth: z.int().nonnegative(),
  maxDepth: z.int().nonnegative(),
  /** Newest transcript link; null before the first turn. */
  transcript: Digest.nullable(),
  /** Null before the first turn. */
  observation: Observation.nullable(),
  /** What the turn may cost at most, its output cut to fit. `knownTokens`: at most so many are in the transcript. */
  allowance: z
    .object({
      costUsd: z.number().nonnegative(),
      tokens: z.int().nonnegative().nullable(),
      knownTokens: z.int().nonnegative().nullable(),
    })
    .optional(),
  /** Blob of the `Toolbox`, for the opening message. */
  toolbox: Digest.optional(),
  /** Packages that the run has beside the standard library, for the opening message. */
  packages: z
    .array(ResolvedPackage.pick({ name: true, version: true, modules: true }))
    .max(caps.PACKAGES)
    .optional(),
  /** The transcript is another run's: the question, and these inputs if there are any, follow it. */
  continues: z.object({ manifest: Digest.nullable() }).optional(),
  /** JSON Schema of the answer, for the opening message. */
  answerSchema: TextRef.nullable().optional(),
  /** The run's limits, for the opening message. */
  budget: Budget.optional(),
  /** `answer`: the run is over; the reply is asked for as the answer itself, and no code of it is run. */
  purpose: z.enum(['go on', 'answer']).optional(),
});
export type NextTurnInput = z.infer<typeof NextTurnInput>;

export const NextTurnResult = z.object({
  transcript: Digest,
  reply: TextRef,
  /** Code blocks of the reply that are Python, in order. */
  cells: z.array(TextRef).max(20),
  /** Blocks in other languages, ignored and reported to the model. */
  ignoredBlocks: z.array(z.string().max(40)).max(20),
  usage: Usage,
  /** True when the reply was found stored: an earlier attempt had paid for it. */
  repeated: z.boolean(),
  finishReason: z.string(),
  /** Registry name of the model that replied in place of the one meant, for who reads the history. */
  fallback: z.string().optional(),
  /** Tokens of the transcript with this reply, as the provider counted them or estimated. */
  transcriptTokens: z.int().nonnegative().optional(),
  /** The reply is nothing but a word that confirms, for instance CONFIRM. */
  confirms: z.boolean().optional(),
  /** With the purpose `answer`: the answer that the reply is; null when it is blank. */
  answer: TextRef.nullable().optional(),
});
export type NextTurnResult = z.infer<typeof NextTurnResult>;

/** Thinking blocks, signatures, encrypted thoughts: nobody but the model that made them can read them. */
export const OpaqueReasoning = z.object({
  /** Registry name and model id. */
  maker: z.string(),
  blob: Digest,
  bytes: z.int().nonnegative(),
});
export type OpaqueReasoning = z.infer<typeof OpaqueReasoning>;

/** One message as the provider gets it. */
export const TranscriptMessage = z.object({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string(),
  /** Of an assistant that writes its cells as calls of a tool: their ids and arguments as it sent them. */
  calls: z.array(z.object({ id: z.string(), arguments: z.string() })).optional(),
  /** Of a tool: the call that it answers. */
  callId: z.string().optional(),
  /** Of an assistant: what its provider wants back as it was, in a blob; `maker` is who wrote it. */
  opaque: OpaqueReasoning.optional(),
});
export type TranscriptMessage = z.infer<typeof TranscriptMessage>;

/** Content of a transcript link blob (JSON): a chain from the newest message back; append-only. */
export const TranscriptLink = z.object({
  previous: Digest.nullable(),
  messages: z.array(TranscriptMessage),
  /** Of the first link after a compaction: the newest link of the whole transcript that it summarises. */
  summarises: Digest.optional(),
});
export type TranscriptLink = z.infer<typeof TranscriptLink>;

/** Asks for a shorter transcript: its opening, a summary of its older turns, and its newest links as they are. */
export const CompactTranscriptInput = z.object({
  workflowId: z.string(),
  turn: z.int().positive(),
  card: ModelCard,
  transcript: Digest,
  allowance: NextTurnInput.shape.allowance,
});
export type CompactTranscriptInput = z.infer<typeof CompactTranscriptInput>;

export const CompactTranscriptResult = z.object({
  /** The same as before when there is nothing to summarise. */
  transcript: Digest,
  usage: Usage,
  repeated: z.boolean(),
});
export type CompactTranscriptResult = z.infer<typeof CompactTranscriptResult>;
