import type { TrailEvent } from '../../protocol/index.ts';

/** Where the wall-clock of one run went, ms. The parts add up to `total`. */
export interface TimeSplit {
  total: number;
  /** A REPL step is under way: Python, images, restores. */
  kernel: number;
  /** At least one model call is under way and no REPL step. */
  model: number;
  /** The inputs are checked and listed. */
  ingest: number;
  /** Only calls that a dead worker had taken: nobody knows yet that they are lost. */
  lost: number;
  /** Nothing of the above: workflow tasks, hand-over between processes, light activities. */
  temporal: number;
  /** Sum of all model calls, as if they were made one after another. Not part of `total`. */
  modelSum: number;
}

type Part = 'kernel' | 'model' | 'ingest' | 'lost';

interface Stretch {
  part: Part;
  fromMs: number;
  toMs: number;
}

const PART_OF: Record<string, Part> = {
  runCell: 'kernel',
  openRepl: 'kernel',
  nextTurn: 'model',
  answerCall: 'model',
  ingest: 'ingest',
};

/** When several go on at once, the first of these is what the time is counted for. */
const ORDER: readonly Part[] = ['kernel', 'model', 'ingest', 'lost'];

/**
 * Splits the time of a run by its sealed events, each moment counted once. A call that was tried again shows
 * only its last attempt in a history; what came before that is time in which it was lost.
 */
export function splitTime(events: readonly TrailEvent[]): TimeSplit {
  const stretches = stretchesOf(events);
  const fromMs = events[0]?.timeMs ?? 0;
  const toMs = events.at(-1)?.timeMs ?? fromMs;
  const split: TimeSplit = {
    total: toMs - fromMs,
    kernel: 0,
    model: 0,
    ingest: 0,
    lost: 0,
    temporal: 0,
    modelSum: stretches
      .filter((one) => one.part === 'model')
      .reduce((sum, one) => sum + one.toMs - one.fromMs, 0),
  };
  const edges = [...new Set([fromMs, toMs, ...stretches.flatMap((s) => [s.fromMs, s.toMs])])];
  edges.sort((a, b) => a - b);
  for (const [index, start] of edges.entries()) {
    const end = edges[index + 1];
    if (end === undefined) break;
    const going = stretches.filter((s) => s.fromMs <= start && s.toMs >= end);
    const part = ORDER.find((name) => going.some((s) => s.part === name));
    split[part ?? 'temporal'] += end - start;
  }
  return split;
}

function stretchesOf(events: readonly TrailEvent[]): Stretch[] {
  const scheduled = new Map<number, TrailEvent>();
  const started = new Map<number, TrailEvent>();
  const found: Stretch[] = [];
  for (const event of events) {
    if (event.type === 'ActivityTaskScheduled') scheduled.set(event.eventId, event);
    const id = event.scheduledEventId;
    if (id === null || !event.type.startsWith('ActivityTask')) continue;
    if (event.type === 'ActivityTaskStarted') {
      started.set(id, event);
      continue;
    }
    const plan = scheduled.get(id);
    const begin = started.get(id);
    const part = PART_OF[plan?.name ?? ''];
    if (plan === undefined || begin === undefined || part === undefined) continue;
    found.push({ part, fromMs: begin.timeMs, toMs: event.timeMs });
    if ((begin.attempt ?? 1) > 1) {
      found.push({ part: 'lost', fromMs: plan.timeMs, toMs: begin.timeMs });
    }
  }
  return found;
}
