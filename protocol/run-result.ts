import { z } from 'zod';
import { CitationCheck } from './citation.ts';
import { Digest } from './digest.ts';
import { HeapImageRef } from './heap-image.ts';
import { Spend } from './spend.ts';
import { TextRef } from './text-ref.ts';

/** Why a run ended: `answered` by the model's `ready`, else the limit or fault that ended it with the best draft. */
export const EndReason = z.enum([
  'answered',
  'turns',
  'budget',
  'wallClock',
  'noCode',
  'invalidAnswer',
  /** The same code with the same outcome again and again. */
  'repeating',
  /** A person ended it. */
  'finishNow',
]);
export type EndReason = z.infer<typeof EndReason>;

/** A value of `answer["content"]`; versions count its changes from 1. */
export const Draft = z.object({
  version: z.int().positive(),
  /** The cell after which it stood; null for one that was asked for at the end. */
  cell: z.string().nullable(),
  content: TextRef,
});
export type Draft = z.infer<typeof Draft>;

export const RunResult = z.object({
  reason: EndReason,
  /** The final answer, or the best draft when `reason` is not `answered`; null when there was none. */
  answer: TextRef.nullable(),
  draftVersion: z.int().nonnegative(),
  /** True when the model had left no draft and was asked for the answer in one last call, without code. */
  extracted: z.boolean().optional(),
  /** What came of looking up the answer's citations; absent when it has none. `report` null: they could not be looked up. */
  citations: CitationCheck.pick({ total: true, verified: true })
    .extend({ report: Digest.nullable() })
    .optional(),
  spend: Spend,
  image: HeapImageRef,
  /** Newest piece of the sealed trail. */
  trail: Digest.nullable(),
  models: z.object({ root: z.string(), sub: z.string(), standIn: z.boolean() }),
});
export type RunResult = z.infer<typeof RunResult>;

export const Phase = z.enum([
  'starting',
  'thinking',
  'computing',
  'calling',
  'checking',
  'paused',
  'ended',
]);
export type Phase = z.infer<typeof Phase>;

/** A question of `ask_human` that waits. Its id is `turn.cell.call`. */
export const WaitingQuestion = z.object({ id: z.string(), question: TextRef });
export type WaitingQuestion = z.infer<typeof WaitingQuestion>;

/** What a watcher sees of a run. The memo holds the same, refreshed once a turn. */
export const Progress = z.object({
  phase: Phase,
  turn: z.int().nonnegative(),
  maxTurns: z.int().nonnegative(),
  cell: z.string().nullable(),
  /** Calls of the waiting cell: those answered, and all. */
  round: z.object({ answered: z.int(), total: z.int() }).nullable(),
  spend: Spend,
  maxCostUsd: z.number(),
  draft: z.object({ version: z.int(), content: TextRef }).nullable(),
  lastCell: z
    .object({ cell: z.string(), heapDigest: Digest, summary: z.string().max(200) })
    .nullable(),
  /** A person has paused the run; what was under way may still end. */
  paused: z.boolean().optional(),
  /** What was guessed, split or left out of its inputs. */
  inputNotes: z.array(z.string()).optional(),
  /** What the run waits for a person to answer. */
  questions: z.array(WaitingQuestion).optional(),
});
export type Progress = z.infer<typeof Progress>;
