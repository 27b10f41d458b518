import {
  CellOutcome,
  type Digest,
  type HeapImageRef,
  OpenReplInput,
  OpenReplResult,
  RunCellInput,
  type TrailEvent,
} from '../protocol/index.ts';
import { textRefOf } from '../store/index.ts';

/** A step that ended with an image, with all that it takes to execute it again. */
export interface RecordedStep {
  /** Its journal is the whole of it; `image` null is the base image. */
  input: Omit<RunCellInput, 'image' | 'delivery'> & { image: HeapImageRef | null };
  image: HeapImageRef;
}

/** The steps of a run that left an image, in their order, as its events tell them. */
export function recordedSteps(events: readonly (TrailEvent & { runId: string })[]): RecordedStep[] {
  const scheduled = new Map<string, TrailEvent>();
  const steps: RecordedStep[] = [];
  for (const event of events) {
    const name = (id: number | null): string => `${event.runId} ${id}`;
    if (event.type === 'ActivityTaskScheduled') scheduled.set(name(event.eventId), event);
    if (event.type !== 'ActivityTaskCompleted') continue;
    const activity = scheduled.get(name(event.scheduledEventId));
    const step = activity && stepOf(activity, event.result);
    if (step) steps.push(step);
  }
  return steps;
}

function stepOf({ name, input }: TrailEvent, result: unknown): RecordedStep | undefined {
  if (name === 'openRepl') {
    const given = OpenReplInput.safeParse(input).data;
    const opened = OpenReplResult.safeParse(result).data;
    if (given === undefined || opened === undefined) return undefined;
    const { secret: _, ...step } = given;
    const code = textRefOf('');
    return { input: { ...step, image: null, code, journal: null }, image: opened.image };
  }
  if (name !== 'runCell') return undefined;
  const given = RunCellInput.safeParse(input).data;
  const outcome = CellOutcome.safeParse(result).data;
  if (given === undefined || outcome?.kind !== 'finished') return undefined;
  const { delivery: _, ...step } = given;
  const journal: Digest | null = outcome.journal;
  return { input: { ...step, journal }, image: outcome.image };
}
