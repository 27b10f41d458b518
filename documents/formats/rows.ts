import type { Leaf } from './converted.ts';

/** Writes rows as a JSON array of objects, without ever holding them all as values. */
export class Rows {
  readonly columns: string[];
  readonly #keys: string[];
  readonly #parts: Buffer[] = [];
  #text = '[';
  /** Rows longer than the header: their columns are named by number. */
  longer = 0;
  count = 0;

  /** Empty names become `column_3`; repeated ones get a number. */
  constructor(header: readonly unknown[]) {
    const seen = new Set<string>();
    this.columns = header.map((cell, i) => {
      const name = textOf(cell).trim() || `column_${i + 1}`;
      let own = name;
      for (let n = 2; seen.has(own); n++) own = `${name}_${n}`;
      seen.add(own);
      return own;
    });
    this.#keys = this.columns.map((name) => `${JSON.stringify(name)}:`);
  }

  /** Missing cells are null. */
  add(cells: readonly unknown[]): void {
    if (cells.length > this.#keys.length) this.longer += 1;
    const fields: string[] = [];
    for (let i = 0; i < Math.max(cells.length, this.#keys.length); i++) {
      const key = this.#keys[i] ?? `"column_${i + 1}":`;
      fields.push(key + jsonOf(cells[i]));
    }
    this.#text += `${this.count === 0 ? '' : ',\n'}{${fields.join(',')}}`;
    this.count += 1;
    if (this.#text.length > 1_000_000) this.#flush();
  }

  leaf(path: string[], metadata: Leaf['metadata']): Leaf {
    this.#text += ']';
    this.#flush();
    return {
      path,
      format: 'json',
      bytes: Buffer.concat(this.#parts),
      metadata: { ...metadata, rows: this.count, columns: this.columns.slice(0, 200) },
    };
  }

  notes(): string[] {
    if (this.longer === 0) return [];
    const what = this.longer === 1 ? 'a row' : `${this.longer.toLocaleString('en')} rows`;
    return [`has ${what} with more cells than its header: the columns without a name are numbered`];
  }

  #flush(): void {
    this.#parts.push(Buffer.from(this.#text, 'utf8'));
    this.#text = '';
  }
}

function jsonOf(cell: unknown): string {
  if (typeof cell === 'string') return JSON.stringify(cell.toWellFormed());
  if (typeof cell === 'boolean') return String(cell);
  if (typeof cell === 'number' && Number.isFinite(cell)) return JSON.stringify(cell);
  return cell instanceof Date ? JSON.stringify(timeOf(cell)) : 'null';
}

function textOf(cell: unknown): string {
  if (typeof cell === 'string') return cell.toWellFormed();
  if (cell instanceof Date) return timeOf(cell);
  return typeof cell === 'number' || typeof cell === 'boolean' ? String(cell) : '';
}

/** `2026-03-01`, or with a time when it has one; workbooks know no time zone, and hold seconds as fractions of a day. */
function timeOf(date: Date): string {
  const ms = Math.round(date.getTime() / 1000) * 1000;
  if (!Number.isFinite(ms)) return '';
  const text = new Date(ms).toISOString().slice(0, 19);
  return text.endsWith('T00:00:00') ? text.slice(0, 10) : text;
}
