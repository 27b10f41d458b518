import { z } from 'zod';
import { AnswerState, FinishedCell, RolledBackCell } from './cell.ts';
import { Digest } from './digest.ts';
import { ModelCard } from './model-card.ts';
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
  /** The transcript is another run's: the question, and these inputs if there are any, follow it. */
  continues: z.object({ manifest: Digest.nullable() }).optional(),
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
});
export type NextTurnResult = z.infer<typeof NextTurnResult>;

/** Content of a transcript link blob (JSON): a chain from the newest message back; append-only. */
export const TranscriptLink = z.object({
  previous: Digest.nullable(),
  messages: z.array(
    z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }),
  ),
});
export type TranscriptLink = z.infer<typeof TranscriptLink>;
