import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { z } from 'zod';
import type { TextRef, VariableChange } from '../protocol/index.ts';
import { getText, type Store } from '../store/index.ts';
import { CliError, EXIT } from './cli-error.ts';
import { print } from './output.ts';
import type { RanCell, ReplSession } from './repl-session.ts';

/** What `rlm repl --cells` says of one cell. */
export interface CellReport {
  kind: 'finished' | 'raised' | 'rolledBack';
  stdout: string;
  stderr: string;
  /** A Python exception; or, without a traceback, why the cell was rolled back (`type` is a RollBackReason). */
  error: { type: string; message: string; traceback: string | null } | null;
  /** Echo of the last expression. */
  value: string | null;
  /** Calls of each round that the cell waited for. */
  rounds: number[];
  /**
   * Heap digest of the image after it, which `--image` takes: equal for equal states of Python, however they were reached
   * and stored. After a cell that was rolled back, that of the image before it.
   */
  image: string;
  /** Digest of the blob that holds it, which `--image` takes too. */
  blob: string;
  /** What the cell added to the store for its image. */
  imageBytes: number;
  computeMs: number;
  changes: VariableChange[];
}

const Cells = z.array(z.string());

/** Reads a JSON array of cell sources; `-` is standard input. Throws CliError. */
export async function readCells(file: string): Promise<string[]> {
  const text = await readSource(file);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw usage(`${file} is not JSON: ${why}.`, error);
  }
  const cells = Cells.safeParse(value);
  if (cells.success) return cells.data;
  const at = cells.error.issues[0]?.path[0];
  throw usage(
    at === undefined
      ? `${file} must be a JSON array of cell sources, for instance ["x = 1", "x + 1"].`
      : `${file} must be a JSON array of cell sources, but its item ${String(at)} is not a string.`,
  );
}

async function readSource(file: string): Promise<string> {
  try {
    return file === '-' ? await readAll(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw usage(`The cells ${file} cannot be read: check the path.`, error);
  }
}

/** Runs all cells in order and prints what became of them: one JSON array, or a transcript. What Python does is no failure. */
export async function runCells(
  session: ReplSession,
  store: Store,
  cells: readonly string[],
  json: boolean,
): Promise<void> {
  const reports: CellReport[] = [];
  for (const [at, code] of cells.entries()) {
    const report = await reportOf(store, await session.run(code));
    if (json) reports.push(report);
    else print(transcript(at + 1, code, report));
  }
  if (json) print(JSON.stringify(reports));
}

/** A cell's outcome with its texts read. */
export async function reportOf(store: Store, ran: RanCell): Promise<CellReport> {
  const { outcome, image, rounds, computeMs } = ran;
  const text = (ref: TextRef): Promise<string> => getText(store, ref);
  const common = {
    stdout: await text(outcome.stdout),
    stderr: await text(outcome.stderr),
    rounds,
    image: image.heapDigest,
    blob: image.blob,
    computeMs,
  };
  if (outcome.kind === 'rolledBack') {
    const error = { type: outcome.reason, message: outcome.message, traceback: null };
    return { kind: 'rolledBack', ...common, error, value: null, imageBytes: 0, changes: [] };
  }
  const { error, value, changes } = outcome;
  return {
    kind: error === null ? 'finished' : 'raised',
    ...common,
    error: error && { ...error, traceback: await text(error.traceback) },
    value: value && (await text(value)),
    imageBytes: image.storedBytes,
    changes,
  };
}

/** A cell and what it gave, as a notebook shows it; at a prompt the code is there already. */
export function shown({ stdout, stderr, error, value }: CellReport): string {
  const parts = [stdout, stderr, value ?? '', error?.traceback ?? error?.message ?? ''];
  return parts
    .filter((part) => part !== '')
    .map((part) => (part.endsWith('\n') ? part : `${part}\n`))
    .join('');
}

function transcript(number: number, code: string, report: CellReport): string {
  return `In [${number}]: ${code.replaceAll('\n', '\n    ')}\n${shown(report)}`;
}

function usage(message: string, cause?: unknown): CliError {
  return new CliError(message, { exitCode: EXIT.usage, cause });
}
