import { z } from 'zod';
import {
  CitationCheck,
  Digest,
  Draft,
  Edit,
  HeapImageRef,
  NO_USAGE,
  Observation,
  Progress,
  ResolvedSpec,
  Spend,
  TextRef,
} from '../protocol/index.ts';
import { TurnUnderWay } from './turn-under-way.ts';
import { noSteering, SteeringState } from './steering-state.ts';

/** All that a run knows between two turns. Plain JSON: it is what continue-as-new carries over. */
export const RunState = z.object({
  resolved: ResolvedSpec,
  manifest: Digest,
  secret: z.string(),
  image: HeapImageRef,
  /** Private queue of the worker that keeps a kernel with this run's heap; null when none does. */
  hostQueue: z.string().nullable().default(null),
  /** Edits that the next step applies before its code. */
  edits: z.array(Edit),
  transcript: Digest.nullable(),
  observation: Observation.nullable(),
  turn: z.int(),
  spend: Spend,
  draft: z
    .object({
      version: z.int(),
      content: TextRef,
      /** What it cites, and what came of looking that up. */
      citations: TextRef.optional(),
      cited: CitationCheck.omit({ problems: true }).optional(),
    })
    .nullable(),
  /** Digest of the draft that was accepted but for its citations, which the model was asked to correct: once a run. */
  correcting: Digest.nullable().default(null),
  /** Digest of the draft that the model was asked to confirm. */
  confirming: Digest.nullable(),
  repliesWithoutCode: z.int(),
  /** How often in a row the same code had the same outcome. */
  repeats: z.object({ mark: z.string(), count: z.int() }).nullable().default(null),
  /** The newest drafts, oldest first. */
  drafts: z.array(Draft).default([]),
  refusedAnswers: z.int(),
  clockReadings: z.int(),
  startedMs: z.number(),
  trail: z.object({ piece: z.int(), newest: Digest.nullable() }),
  lastCell: Progress.shape.lastCell,
  /** Sentences of the engine for the model's next turn. */
  notes: z.array(z.string()).default([]),
  /** Null between two turns. */
  underWay: TurnUnderWay.nullable().default(null),
  /** Tokens that the transcript has at most, as the provider counted the last turn; null when that is not known. */
  transcriptTokens: z.int().nullable().default(null),
  /** Tokens of the transcript, as counted or estimated with the last reply. */
  transcriptSize: z.int().default(0),
  steering: SteeringState.default(noSteering),
  /** What `ingest` said of the inputs; absent when it had nothing to say. */
  inputNotes: z.array(z.string()).optional(),
});
export type RunState = z.infer<typeof RunState>;

export function openState(
  setup: Pick<
    RunState,
    'resolved' | 'manifest' | 'secret' | 'image' | 'startedMs' | 'clockReadings'
  >,
  computeMs: number,
): RunState {
  return {
    ...setup,
    hostQueue: null,
    edits: [],
    transcript: null,
    observation: null,
    turn: 0,
    spend: { turns: 0, calls: 0, usage: NO_USAGE, computeMs },
    draft: null,
    correcting: null,
    confirming: null,
    repliesWithoutCode: 0,
    repeats: null,
    drafts: [],
    refusedAnswers: 0,
    trail: { piece: 0, newest: null },
    lastCell: null,
    notes: [],
    underWay: null,
    transcriptTokens: null,
    transcriptSize: 0,
    steering: noSteering(),
  };
}
