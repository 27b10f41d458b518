import { createHash } from 'node:crypto';

/** Numbers that follow from a seed: the same ones on every machine. */
export interface Random {
  /** A whole number from `least` to `most`, both included. */
  integer(least: number, most: number): number;
  pick<T>(items: readonly T[]): T;
  shuffle<T>(items: readonly T[]): T[];
}

/** Hash of seed and counter; slow beside a generator, and nothing to get wrong. */
export function randomOf(seed: string): Random {
  let drawn = 0;
  const integer = (least: number, most: number): number => {
    drawn += 1;
    const bytes = createHash('sha256').update(`${seed}/${drawn}`).digest();
    return least + (bytes.readUInt32LE(0) % (most - least + 1));
  };
  const pick = <T>(items: readonly T[]): T => {
    const item = items[integer(0, items.length - 1)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  };
  const shuffle = <T>(items: readonly T[]): T[] => {
    const left = [...items];
    const order: T[] = [];
    while (left.length > 0) order.push(...left.splice(integer(0, left.length - 1), 1));
    return order;
  };
  return { integer, pick, shuffle };
}
