import type { LoggedRequest } from '../../examples/support/scripted-model.ts';
import type { Disturbance } from './disturb.ts';
import type { StoredAnswer } from './run-facts.ts';

/** A call that reached the model server again. */
export interface Repeat {
  prompt: string;
  kind: 'root' | 'sub';
  /** The disturbance that made it, `#3 kill worker (…)`; null when there is none. */
  because: string | null;
}

export interface CallCount {
  /** Requests at the model server, and different ones among them. */
  sent: number;
  distinct: number;
  repeats: Repeat[];
  /** Sent again although the answer was stored: must be none. */
  afterStored: string[];
}

/** A request is on its way for a moment when the answer of another attempt is stored: what came within this is no repeat of a stored answer. */
const CROSSING_MS = 500;
/** The time between a kill and its note; and a lost connection takes a moment to be noticed. */
const SLACK_MS = 300;

type Logged = Pick<LoggedRequest, 'prompt' | 'kind' | 'atMs' | 'key' | 'answered' | 'durationMs'>;

/** Counts repeats where they cost something, and finds for each the disturbance that explains it. */
export function countCalls(
  log: readonly Logged[],
  stored: ReadonlyMap<string, StoredAnswer>,
  disturbances: readonly Disturbance[],
): CallCount {
  const count: CallCount = { sent: log.length, distinct: 0, repeats: [], afterStored: [] };
  const last = new Map<string, Logged>();
  for (const request of log) {
    const { prompt, kind, atMs } = request;
    const before = last.get(prompt);
    last.set(prompt, request);
    if (before === undefined) {
      count.distinct += 1;
      continue;
    }
    const cause = disturbances.find((each) => explains(each, before, request));
    const because = cause === undefined ? null : nameOf(cause);
    count.repeats.push({ prompt, kind, because });
    const answer = stored.get(prompt);
    if (answer !== undefined && atMs > answer.atMs + CROSSING_MS) {
      count.afterStored.push(
        `${kind} call ${prompt} was sent ${Math.round(atMs - answer.atMs)} ms after its answer was stored`,
      );
    }
  }
  return count;
}

/** Whether a disturbance lost the first of two equal calls: only what takes a call's sender or connection away does. */
function explains(disturbance: Disturbance, first: Logged, again: Logged): boolean {
  const { kind, fromMs, untilMs, killedKeys } = disturbance;
  const from = fromMs - SLACK_MS;
  const overlaps = from <= again.atMs && untilMs + SLACK_MS >= first.atMs;
  if (!overlaps) return false;
  switch (kind) {
    case 'kill worker':
      return killedKeys.includes(first.key);
    case 'kill everything':
    // A server that is away takes no heartbeat: its calls count as lost when it is back.
    case 'kill Temporal server':
      return true;
    case 'drop model connections':
      return true;
    default:
      return false;
  }
}

export function nameOf({ number, kind, detail }: Disturbance): string {
  return `#${number} ${kind} (${detail})`;
}
