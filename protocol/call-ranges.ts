import { z } from 'zod';

/** Call numbers as inclusive ranges, ascending: 1, 2, 3, 7 is `[[1, 3], [7, 7]]`. */
export const CallRanges = z.array(z.tuple([z.int().positive(), z.int().positive()]));
export type CallRanges = z.infer<typeof CallRanges>;

/** Ranges of numbers that come in ascending order. */
export class Ranges {
  readonly list: CallRanges = [];

  add(n: number): void {
    const last = this.list.at(-1);
    if (last !== undefined && n === last[1] + 1) last[1] = n;
    else this.list.push([n, n]);
  }
}

export function toRanges(ascending: readonly number[]): CallRanges {
  const ranges = new Ranges();
  for (const n of ascending) ranges.add(n);
  return ranges.list;
}

export function* numbersOf(ranges: CallRanges): Generator<number> {
  for (const [first, last] of ranges) for (let call = first; call <= last; call++) yield call;
}
