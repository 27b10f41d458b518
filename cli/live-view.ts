import { stripVTControlCharacters } from 'node:util';
import type { Progress } from '../protocol/index.ts';
import { progressLine, seconds } from './progress-line.ts';

/** Where the view writes: a terminal or a pipe. */
export interface Screen {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

/** Shows the progress of runs while they go on. */
export interface LiveView {
  update(progress: Progress): void;
  /** What happens before there is a state to show. */
  reading(line: string): void;
  /** A line that stays, above the moving block. */
  note(line: string): void;
  /** Leaves the last state on the screen. */
  end(): void;
}

/** One block that is drawn again in place on a terminal; plain lines, each said once, elsewhere. */
export function liveView(screen: Screen, clock: () => number = Date.now): LiveView {
  return screen.isTTY === true ? new Block(screen, clock) : new Lines(screen, clock);
}

/** Between two lines about the reading of inputs, ms. */
const READING_MS = 5000;

class Lines implements LiveView {
  readonly #screen: Screen;
  readonly #start: number;
  readonly #clock: () => number;
  #last: Progress | null = null;
  #read = '';
  #readAt = -READING_MS;

  constructor(screen: Screen, clock: () => number) {
    this.#screen = screen;
    this.#clock = clock;
    this.#start = clock();
  }

  update(progress: Progress): void {
    if (!worthALine(this.#last, progress)) return;
    this.#last = progress;
    this.note(progressLine(progress));
  }

  reading(line: string): void {
    // Heartbeats bring news every other second; a log needs less.
    const now = this.#clock();
    if (line === this.#read || now - this.#readAt < READING_MS) return;
    this.#read = line;
    this.#readAt = now;
    this.note(line);
  }

  note(line: string): void {
    this.#screen.write(`[${seconds(this.#clock() - this.#start).padStart(6)}] ${line}\n`);
  }

  end(): void {
    this.#last = null;
  }
}

/** A round says a line when it starts, at each quarter and at its end, not at each of a thousand calls. */
function worthALine(last: Progress | null, now: Progress): boolean {
  return last === null || place(last) !== place(now);
}

function place(p: Progress): string {
  return [p.phase, p.turn, p.cell, p.draft?.version, p.questions?.length, quarter(p)].join('|');
}

function quarter(progress: Progress): string {
  const { round } = progress;
  return round === null || round.total === 0
    ? ''
    : `${round.total}:${Math.floor((4 * round.answered) / round.total)}`;
}

class Block implements LiveView {
  readonly #screen: Screen;
  readonly #clock: () => number;
  readonly #start: number;
  readonly #timer: NodeJS.Timeout;
  #drawn = 0;
  #progress: Progress | null = null;
  #reading: string | null = null;

  constructor(screen: Screen, clock: () => number) {
    this.#screen = screen;
    this.#clock = clock;
    this.#start = clock();
    // The time in the block moves on although nothing happens; without it a slow model looks like a hang.
    this.#timer = setInterval(() => this.#draw(), 1000);
    this.#timer.unref();
  }

  update(progress: Progress): void {
    this.#progress = progress;
    this.#reading = null;
    this.#draw();
  }

  reading(line: string): void {
    this.#reading = line;
    this.#draw();
  }

  note(line: string): void {
    this.#clear();
    this.#screen.write(`${line}\n`);
    this.#draw();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#draw();
    this.#drawn = 0;
    this.#progress = null;
    this.#reading = null;
  }

  #draw(): void {
    const width = (this.#screen.columns ?? 80) - 1;
    const elapsedMs = this.#clock() - this.#start;
    const lines = this.#lines(elapsedMs).map((line) => fit(line, width));
    if (lines.length === 0) return;
    this.#clear();
    this.#screen.write(`${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }

  #lines(elapsedMs: number): string[] {
    if (this.#progress !== null) return blockLines(this.#progress, elapsedMs);
    return this.#reading === null ? [] : [`${seconds(elapsedMs)} · ${this.#reading}`];
  }

  #clear(): void {
    if (this.#drawn > 0) this.#screen.write(`\u001B[${this.#drawn}A\u001B[J`);
    this.#drawn = 0;
  }
}

/** The moving block: where the run is, what the last cell did, how the draft begins. */
export function blockLines(progress: Progress, elapsedMs?: number): string[] {
  const time = elapsedMs === undefined ? '' : `${seconds(elapsedMs)} · `;
  const lines = [`${time}${progressLine(progress)}`];
  const { round, lastCell, draft } = progress;
  if (round !== null && round.total > 0) lines.push(`  ${bar(round.answered, round.total)}`);
  if (lastCell !== null) lines.push(`  last cell ${lastCell.cell}: ${plain(lastCell.summary)}`);
  for (const { id, question } of progress.questions ?? []) {
    lines.push(`  question ${id}: ${plain(question.text ?? `${question.head ?? ''}…`)}`);
  }
  if (draft !== null) {
    lines.push(`  draft: ${plain(draft.content.text ?? draft.content.head ?? '')}`);
  }
  return lines;
}

function bar(done: number, total: number): string {
  const width = 30;
  const full = Math.round((width * Math.min(done, total)) / total);
  return `${'█'.repeat(full)}${'░'.repeat(width - full)} ${done}/${total}`;
}

/** Text of the model on one line, with nothing in it that moves a terminal's cursor. */
export function plain(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim();
}

function fit(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}
