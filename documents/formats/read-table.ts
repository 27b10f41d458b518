import Papa from 'papaparse';
import { Unreadable } from '../errors.ts';
import type { Converted } from './converted.ts';
import { parsable } from './read-text.ts';
import { Rows } from './rows.ts';

/** A table with a header as a list of dicts; cells are texts, as they are written. The separator of a CSV file is found out. */
export function readTable(bytes: Uint8Array, format: 'csv' | 'tsv'): Converted {
  const { text, encoding, notes } = parsable(bytes, 'a table');
  if (text.includes('\0')) throw new Unreadable('is binary data, not a table');
  let rows: Rows | null = null;
  const problems: string[] = [];
  let delimiter = '';
  Papa.parse<string[]>(text, {
    ...(format === 'tsv' ? { delimiter: '\t' } : {}),
    delimitersToGuess: [',', ';', '\t', '|'],
    skipEmptyLines: 'greedy',
    step: ({ data, errors, meta }) => {
      delimiter = meta.delimiter;
      const quotes = errors.find(({ type }) => type === 'Quotes');
      if (quotes !== undefined && problems.length === 0) {
        problems.push(`has a quotation mark out of place near row ${(rows?.count ?? 0) + 1}`);
      }
      if (rows === null) rows = new Rows(data);
      else rows.add(data);
    },
  });
  const table: Rows = rows ?? new Rows([]);
  return {
    leaves: [table.leaf([], { format, encoding, delimiter })],
    notes: [...notes, ...problems, ...table.notes()],
  };
}

/** A JSON value a line, as a list. Goes to Python as it is written, since JavaScript would change `1.0` and large integers. */
export function readJsonLines(bytes: Uint8Array): Converted {
  const { text, encoding, notes } = parsable(bytes, 'a JSON Lines file');
  const values: string[] = [];
  const columns = new Set<string>();
  let number = 0;
  for (const line of text.split('\n')) {
    number += 1;
    const value = line.trim();
    if (value === '') continue;
    try {
      const parsed: unknown = JSON.parse(value);
      if (values.length < 1000 && typeof parsed === 'object' && parsed !== null) {
        for (const key of Object.keys(parsed).slice(0, 200)) columns.add(key);
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Unreadable(`is not valid JSON in line ${number.toLocaleString('en')}: ${reason}`);
    }
    values.push(value);
  }
  return {
    leaves: [
      {
        path: [],
        format: 'json',
        bytes: Buffer.from(`[${values.join(',\n')}]`),
        metadata: {
          format: 'jsonl',
          encoding,
          rows: values.length,
          columns: [...columns].slice(0, 200),
        },
      },
    ],
    notes,
  };
}
