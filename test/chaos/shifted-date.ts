/** Loaded before a worker: its `Date` is off by the ms that a file holds, which is read again every 200 ms. */
import { readFileSync } from 'node:fs';

const LOOK_MS = 200;
const file = process.env['CHAOS_CLOCK_FILE'] ?? '';
const RealDate = Date;
const now = Date.now.bind(Date);
let offset = 0;
const look = (): void => {
  try {
    offset = Number(readFileSync(file, 'utf8'));
  } catch {
    // Being written.
  }
};
look();
setInterval(look, LOOK_MS).unref();

class ShiftedDate extends RealDate {
  constructor(...given: unknown[]) {
    if (given.length === 0) super(now() + offset);
    else super(...(given as [number]));
  }

  static override now(): number {
    return now() + offset;
  }
}
globalThis.Date = ShiftedDate as DateConstructor;
