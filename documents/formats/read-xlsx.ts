import readXlsxFile, { type Sheet } from 'read-excel-file/node';
import { checkZip } from '../archives/zip-members.ts';
import { Unreadable } from '../errors.ts';
import type { Converted, Leaf } from './converted.ts';
import { Rows } from './rows.ts';

/** A workbook as a list of dicts by the first row; one of several sheets as a dict of them. Of formulas it has the values that were saved. */
export async function readXlsx(bytes: Uint8Array): Promise<Converted> {
  await checkZip(bytes);
  let sheets: Sheet[];
  try {
    sheets = await readXlsxFile(Buffer.from(bytes));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Unreadable(`is a damaged Excel workbook (${reason})`);
  }
  const filled = sheets.filter(({ data }) => data.some((row) => row.some((cell) => cell !== null)));
  if (filled.length === 0) throw new Unreadable('is an Excel workbook without data');
  const notes: string[] = [];
  const leaves = filled.map(({ sheet, data }): Leaf => {
    const [header = [], ...body] = data.filter((row) => row.some((cell) => cell !== null));
    const rows = new Rows(header);
    for (const row of body) rows.add(row);
    notes.push(...rows.notes().map((note) => `(sheet ${sheet}) ${note}`));
    return rows.leaf(filled.length === 1 ? [] : [sheet], { format: 'xlsx', sheet });
  });
  return { leaves, notes };
}
