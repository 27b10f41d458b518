import {
  caps,
  type CellObservation,
  CellOutcome,
  type Digest,
  ForkPoint,
  type ForkSource,
  HeapImageRef,
  NextTurnInput,
  OpenReplInput,
  RunCellInput,
  type TextRef,
  type TrailEvent,
} from '../protocol/index.ts';
import { z } from 'zod';

/** Changed variables shown of one cell. */
const SHOWN_CHANGES = 20;

const Opened = z.object({ image: HeapImageRef });
const Ingested = z.object({ manifest: ForkPoint.shape.manifest, entryCount: z.int() });
const Turned = z.object({ transcript: ForkPoint.shape.manifest });
const Replied = z.object({ cells: z.array(z.unknown()) });
const Resolved = z.object({ from: ForkPoint });
const Started = z.object({ carried: z.object({ secret: ForkPoint.shape.secret }) });

type Point = Omit<ForkPoint, 'workflowId'>;

/**
 * Where a run goes on that starts after a cell of another one: read from the events of that run, its executions in
 * order. Without a cell, after the last one that finished. Null when no such cell finished. Where a cell was run more
 * than once (the run was reset) the last time counts.
 */
export function findForkPoint(
  events: readonly (TrailEvent & { runId: string })[],
  source: ForkSource,
): ForkPoint | null {
  const scheduled = new Map<string, TrailEvent>();
  const reader = new Reader(source.workflowId);
  let found: ForkPoint | null = null;
  for (const event of events) {
    if (event.type === 'ActivityTaskScheduled') {
      scheduled.set(`${event.runId} ${event.eventId}`, event);
    } else if (event.type === 'WorkflowExecutionStarted') reader.start(event);
    else if (event.type === 'ActivityTaskCompleted') {
      const activity = scheduled.get(`${event.runId} ${event.scheduledEventId}`);
      const point = activity && reader.complete(activity, event);
      if (point && (source.cell === undefined || point.cell === source.cell)) found = point;
    }
  }
  return found;
}

/** Follows a run from its beginning, one completed activity after the other. */
class Reader {
  readonly #workflowId: string;
  #at: Partial<Point> = { cells: [], transcript: null, draft: null, turn: 0 };

  constructor(workflowId: string) {
    this.#workflowId = workflowId;
  }

  start({ input }: TrailEvent): void {
    const parsed = Started.safeParse(input);
    if (parsed.success) this.#at.secret = parsed.data.carried.secret;
  }

  /** The point after the activity when it was a step that left an image. */
  complete(
    { name, input }: TrailEvent,
    { result, runId }: TrailEvent & { runId: string },
  ): ForkPoint | null {
    if (name === 'resolveSpec') return this.#resolved(result, runId);
    if (name === 'ingest') this.#ingested(result);
    else if (name === 'compactTranscript') this.#transcript(result);
    else if (name === 'nextTurn') this.#turn(input, result);
    else if (name === 'openRepl') return this.#opened(input, result, runId);
    else if (name === 'runCell') return this.#cell(input, result, runId);
    return null;
  }

  /** A run that is a fork itself begins where its source was. */
  #resolved(result: unknown, runId: string): ForkPoint | null {
    const { data } = Resolved.safeParse(result);
    if (data === undefined) return null;
    const { workflowId: _, ...from } = data.from;
    this.#at = { ...this.#at, ...from };
    return this.#point(runId);
  }

  /** A fork adds its inputs to those that the heap has; without any of its own it has only those. */
  #ingested(result: unknown): void {
    const { data } = Ingested.safeParse(result);
    if (data === undefined) return;
    const { manifest, earlier = [] } = this.#at;
    if (manifest === undefined) this.#at.manifest = data.manifest;
    // The same when the run was reset to its beginning.
    else if (data.entryCount > 0 && data.manifest !== manifest) {
      this.#at.manifest = data.manifest;
      this.#at.earlier = [manifest, ...earlier].slice(0, caps.MANIFESTS);
    }
  }

  #opened(input: unknown, result: unknown, runId: string): ForkPoint | null {
    const step = OpenReplInput.safeParse(input).data;
    const opened = Opened.safeParse(result).data;
    if (step === undefined || opened === undefined) return null;
    const { secret, runtime, clockMs } = step;
    this.#at = { ...this.#at, secret, runtime, clockMs, image: opened.image, cell: '0.0' };
    return this.#point(runId);
  }

  #transcript(result: unknown): void {
    const turned = Turned.safeParse(result).data;
    if (turned !== undefined) this.#at.transcript = turned.transcript;
  }

  #turn(input: unknown, result: unknown): void {
    const turn = NextTurnInput.pick({ turn: true, question: true }).safeParse(input).data;
    this.#transcript(result);
    if (turn === undefined) return;
    this.#at.turn = turn.turn;
    this.#at.question = turn.question.digest;
    this.#at.cells = [];
    this.#at.blocks = Replied.safeParse(result).data?.cells.length;
  }

  #cell(input: unknown, result: unknown, runId: string): ForkPoint | null {
    const step = RunCellInput.pick({ key: true, runtime: true, clockMs: true }).safeParse(input);
    const outcome = CellOutcome.safeParse(result).data;
    if (!step.success || outcome === undefined || outcome.kind === 'waiting') return null;
    const { key, runtime, clockMs } = step.data;
    const { cell } = key;
    const before = (this.#at.cells ?? []).filter((shown) => shown.cell !== cell);
    this.#at.cells = [...before, { cell, outcome: shownOf(outcome) }];
    if (outcome.kind === 'rolledBack') return null;
    const { image, answer } = outcome;
    const { content: draft, citations } = answer;
    this.#at = { ...this.#at, runtime, clockMs, image, cell, draft, citations };
    return this.#point(runId);
  }

  #point(runId: string): ForkPoint | null {
    const point = { ...this.#at, runId, workflowId: this.#workflowId };
    return ForkPoint.safeParse(point).data ?? null;
  }
}

function shownOf(end: Exclude<CellOutcome, { kind: 'waiting' }>): CellObservation['outcome'] {
  const [stdout, stderr] = [bare(end.stdout), bare(end.stderr)];
  if (end.kind === 'rolledBack') {
    const { kind, reason, message } = end;
    return { kind, reason, message, stdout, stderr };
  }
  const { kind, calls, error } = end;
  return {
    kind,
    stdout,
    stderr,
    value: end.value && bare(end.value),
    error: error && { ...error, traceback: bare(error.traceback) },
    changes: end.changes.slice(0, SHOWN_CHANGES),
    changesOmitted: end.changesOmitted + Math.max(0, end.changes.length - SHOWN_CHANGES),
    calls,
  };
}

/** Without its inline text: twenty cells must fit into a payload. */
function bare({ digest, sizeBytes, chars }: TextRef): { digest: Digest } & TextRef {
  return { digest, sizeBytes, chars };
}
