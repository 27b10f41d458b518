import type { CellObservation, Observation, TextRef } from '../protocol/index.ts';
import { statusLine } from './report.ts';
import type { RunState } from './run-state.ts';
import type { EndedCell } from './turn-under-way.ts';

/** Changed variables shown to the model for one cell; the rest is counted. */
const SHOWN_CHANGES = 20;

/** What the model is shown next. Texts travel by digest: the activity that renders them reads the store. */
export function observe(
  state: RunState,
  cells: readonly EndedCell[],
  notes: string[],
  draft: TextRef | null,
): Observation {
  return {
    statusLine: statusLine(state),
    cells: cells.map(({ cell, end }) => ({ cell, outcome: toOutcome(end) })),
    notes,
    draft,
  };
}

export function toOutcome(end: EndedCell['end']): CellObservation['outcome'] {
  if (end.kind === 'rolledBack') {
    const { kind, reason, message } = end;
    return { kind, reason, message, stdout: bare(end.stdout), stderr: bare(end.stderr) };
  }
  const error = end.error === null ? null : { ...end.error, traceback: bare(end.error.traceback) };
  return {
    kind: end.kind,
    stdout: bare(end.stdout),
    stderr: bare(end.stderr),
    value: end.value === null ? null : bare(end.value),
    error,
    changes: end.changes.slice(0, SHOWN_CHANGES),
    changesOmitted: end.changesOmitted + Math.max(0, end.changes.length - SHOWN_CHANGES),
    calls: end.calls,
  };
}

/** A ref without its inline text, so that twenty cells fit into a payload. */
export function bare({ digest, sizeBytes, chars }: TextRef): TextRef {
  return { digest, sizeBytes, chars };
}
