import { callAttempts, cellDigests, readTrail, type Trail } from '../../audit/index.ts';
import type { RlmClient, RunAnswer, StartedRun } from '../../client/index.ts';
import type { TrailEvent } from '../../protocol/index.ts';
import type { Kill } from './demo-kill.ts';
import type { LoggedCall } from './demo-model.ts';

/** The calls of the killed run, as counted at the stand-in and in the run's sealed events. */
export interface RepeatCount {
  /** Sub-calls that reached the model server before the kill. */
  before: number;
  /** Of these, calls whose answer was stored and known to the run. */
  stored: number;
  /** The others: made by the worker when it was killed. */
  inFlight: number;
  /** Calls that reached the model server a second time. */
  repeated: number;
  /** Of the repeated ones, those that had been answered before the kill: paid for twice. */
  repeatedAfterAnswer: number;
}

/**
 * Counts repeats where they cost something: at the model server. Both runs make the same calls, so what it saw
 * beyond both runs' own calls was made again.
 */
export function countRepeats(
  log: readonly LoggedCall[],
  events: readonly TrailEvent[],
  runs: readonly RunAnswer[],
  kill: Kill,
): RepeatCount {
  const sub = log.filter((call) => call.kind === 'sub');
  const before = sub.filter((call) => call.atMs <= kill.goneMs);
  const calls = runs.reduce((sum, run) => sum + run.result.spend.calls, 0);
  const stored = completedCalls(events, kill.goneMs);
  const again = new Set(repeatedPrompts(sub, runs.length));
  return {
    before: before.length,
    stored,
    inFlight: before.length - stored,
    repeated: sub.length - calls,
    repeatedAfterAnswer: before.filter(
      (call) =>
        again.has(call.prompt) && call.answered && call.atMs + (call.durationMs ?? 0) <= kill.atMs,
    ).length,
  };
}

/** What the run's own trail says of calls that were tried more than once. */
export interface TriedAgain {
  calls: number;
  /** Of these, calls whose answer was found stored: nobody was asked again. */
  foundStored: number;
}

export function countTriedAgain(trail: Trail): TriedAgain {
  const again = callAttempts(trail).filter(({ attempts }) => attempts > 1);
  return { calls: again.length, foundStored: again.filter(({ repeated }) => repeated).length };
}

/** Prompts that came more often than once a run. */
function repeatedPrompts(calls: readonly LoggedCall[], runs: number): string[] {
  const times = new Map<string, number>();
  for (const { prompt } of calls) times.set(prompt, (times.get(prompt) ?? 0) + 1);
  return [...times].filter(([, n]) => n > runs).map(([prompt]) => prompt);
}

function completedCalls(events: readonly TrailEvent[], untilMs: number): number {
  const plans = new Set(
    events
      .filter((e) => e.type === 'ActivityTaskScheduled' && e.name === 'answerCall')
      .map((e) => e.eventId),
  );
  return events.filter(
    (e) =>
      e.type === 'ActivityTaskCompleted' &&
      plans.has(e.scheduledEventId ?? 0) &&
      e.timeMs <= untilMs,
  ).length;
}

export interface CellPair {
  cell: string;
  heapDigest: string;
  undisturbed: string | null;
}

/** The heap after every cell of one run beside that of another. */
export function pairCells(disturbed: Trail, undisturbed: Trail): CellPair[] {
  const other = new Map(cellDigests(undisturbed).map(({ cell, heapDigest }) => [cell, heapDigest]));
  return cellDigests(disturbed).map(({ cell, heapDigest }) => ({
    cell,
    heapDigest,
    undisturbed: other.get(cell) ?? null,
  }));
}

/** The sealed trail of a run, its hash chain verified. */
export async function trailOf(client: RlmClient, run: StartedRun): Promise<Trail> {
  return readTrail(client.store, run.workflowId, run.runId);
}

/** All events of a trail, through any continue-as-new. */
export function eventsOf(trail: Trail): TrailEvent[] {
  return trail.executions.flatMap(({ events }) => events);
}
