import { randomOf } from './random.ts';

/** What is done to a run. */
export const KINDS = [
  'kill worker',
  'kill kernel host',
  'kill Temporal server',
  'kill everything',
  'drop model connections',
  'slow model connections',
  'full disk',
  'read-only disk',
  'delete caches',
  'clock jump',
] as const;
export type Kind = (typeof KINDS)[number];

/** One disturbance as it is planned: a function of the seed alone. */
export interface Planned {
  number: number;
  kind: Kind;
  /** Comes when this share of the run's model calls has been made, … */
  after: number;
  /** … and this many ms later. */
  delayMs: number;
  /** How long an outage lasts, ms. */
  lastsMs: number;
  /** Which worker, and how far a clock jumps, ms. */
  worker: number;
  jumpMs: number;
}

const HOUR_MS = 3_600_000;
/** Longest outage of a disk. */
const MOST_OUTAGE_MS = 12_000;

/** The disturbances of one run, in order. Every kind comes before one comes again. */
export function planOf(seed: string, count: number, mostOutageMs = MOST_OUTAGE_MS): Planned[] {
  const random = randomOf(`${seed}/plan`);
  const drawn: Kind[] = [];
  while (drawn.length < count) drawn.push(...random.shuffle(KINDS));
  const moments = Array.from({ length: count }, () => random.integer(2, 95) / 100);
  const inOrder = moments.toSorted((a, b) => a - b);
  return drawn.slice(0, count).map((kind, i) => ({
    number: i + 1,
    kind,
    after: inOrder[i] ?? 0,
    delayMs: random.integer(0, 700),
    lastsMs: random.integer(
      500,
      kind.endsWith('disk') ? mostOutageMs : Math.min(4000, mostOutageMs),
    ),
    worker: random.integer(0, 1),
    jumpMs: random.pick([
      -24 * HOUR_MS,
      -HOUR_MS,
      -60_000,
      60_000,
      HOUR_MS,
      24 * HOUR_MS,
      400 * 24 * HOUR_MS,
    ]),
  }));
}
