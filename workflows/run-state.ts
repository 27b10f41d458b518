import { z } from 'zod';
import {
  Digest,
  Edit,
  HeapImageRef,
  NO_USAGE,
  Observation,
  Progress,
  ResolvedSpec,
  Spend,
  TextRef,
} from '../protocol/index.ts';

/** All that a run knows between two turns. Plain JSON: it is what continue-as-new carries over. */
export const RunState = z.object({
  resolved: ResolvedSpec,
  manifest: Digest,
  secret: z.string(),
  image: HeapImageRef,
  /** Edits that the next step applies before its code. */
  edits: z.array(Edit),
  transcript: Digest.nullable(),
  observation: Observation.nullable(),
  turn: z.int(),
  spend: Spend,
  draft: z.object({ version: z.int(), content: TextRef }).nullable(),
  /** Digest of the draft that the model was asked to confirm. */
  confirming: Digest.nullable(),
  repliesWithoutCode: z.int(),
  refusedAnswers: z.int(),
  clockReadings: z.int(),
  startedMs: z.number(),
  trail: z.object({ piece: z.int(), newest: Digest.nullable() }),
  lastCell: Progress.shape.lastCell,
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
    edits: [],
    transcript: null,
    observation: null,
    turn: 0,
    spend: { turns: 0, calls: 0, usage: NO_USAGE, computeMs },
    draft: null,
    confirming: null,
    repliesWithoutCode: 0,
    refusedAnswers: 0,
    trail: { piece: 0, newest: null },
    lastCell: null,
  };
}
