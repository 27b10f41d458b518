import { InvalidArgumentError } from 'commander';

/** A parser for commander: a whole number in the given range. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      const range =
        max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
      throw new InvalidArgumentError(`Expected a whole number ${range}.`);
    }
    return value;
  };
}

/** US dollars, 0 or more. */
export function dollars(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError('Expected an amount in US dollars, for instance 2.50.');
  }
  return value;
}

const UNIT_MS = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** `90s`, `15m`, `1h`, `2d` as milliseconds. */
export function duration(text: string): number {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const ms = Number(amount ?? 0) * (UNIT_MS.get(unit ?? '') ?? 0);
  if (ms <= 0) throw new InvalidArgumentError('Expected a time like 90s, 15m, 1h or 2d.');
  return ms;
}

/** Collects a repeatable option. */
export function collect(text: string, before: string[] = []): string[] {
  return [...before, text];
}
