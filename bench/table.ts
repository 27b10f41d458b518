import type { Figure } from './figure.ts';

const COLUMNS = ['figure', 'median', 'floor', 'ratio', 'target', 'ok', 'samples'] as const;

/** Figures as a table for people, columns aligned. */
export function table(figures: readonly Figure[]): string {
  const rows = [COLUMNS.map(String), ...figures.map((one) => row(one))];
  const widths = COLUMNS.map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  return rows
    .map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n');
}

function row({ name, value, unit, floor, ratio, target, ok, runs }: Figure): string[] {
  return [
    name,
    `${short(value)} ${unit}`,
    floor === null ? '' : `${short(floor)} ${unit}`,
    ratio === null ? '' : `${short(ratio)}x`,
    target ?? '',
    ok === null ? '' : ok ? 'yes' : 'NO',
    String(runs.length),
  ];
}

/** Three significant digits are more than a small machine repeats. */
function short(value: number): string {
  return Math.abs(value) >= 100
    ? Math.round(value).toString()
    : String(Number(value.toPrecision(3)));
}
