/** One number that a bench shows. `value` is the median of `runs`. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** What the same machine needs, in the same run, for the part that cannot be avoided; null when there is none. */
  floor: number | null;
  /** `value / floor`. */
  ratio: number | null;
  /** What the project promises, for instance `<= 30 s` or `<= 2x`; null when nothing is promised. */
  target: string | null;
  ok: boolean | null;
  runs: number[];
}

/** A promise about a figure's value, or about its ratio to the floor. */
export type Target =
  | { atMost: number }
  | { atLeast: number }
  | { ratioAtMost: number }
  | { ratioAtLeast: number };

export interface Measured {
  name: string;
  unit: string;
  runs: readonly number[];
  floor?: number;
  target?: Target;
}

/** Makes a figure of samples. Throws when there are none: a median of nothing would look like a result. */
export function figure(measured: Measured): Figure {
  const { name, unit, target } = measured;
  const value = median(measured.runs);
  const floor = measured.floor ?? null;
  const ratio = floor === null || floor === 0 ? null : value / floor;
  return {
    name,
    value,
    unit,
    floor,
    ratio,
    target: target === undefined ? null : targetText(target, unit),
    ok: target === undefined ? null : isMet(target, value, ratio),
    runs: [...measured.runs],
  };
}

/** Middle of the samples, or the mean of the middle two. */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new Error('A figure needs a sample.');
  return (lower + upper) / 2;
}

function targetText(target: Target, unit: string): string {
  if ('ratioAtMost' in target) return `<= ${target.ratioAtMost}x`;
  if ('ratioAtLeast' in target) return `>= ${target.ratioAtLeast}x`;
  return 'atMost' in target ? `<= ${target.atMost} ${unit}` : `>= ${target.atLeast} ${unit}`;
}

function isMet(target: Target, value: number, ratio: number | null): boolean {
  if ('ratioAtMost' in target) return ratio !== null && ratio <= target.ratioAtMost;
  if ('ratioAtLeast' in target) return ratio !== null && ratio >= target.ratioAtLeast;
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast;
}
