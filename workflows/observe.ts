import type { CellObservation, Observation, TextRef } from '../protocol/index.ts';
import { statusLine } from './report.ts';
import type { RunContext } from './run-context.ts';
import type { RunState } from './run-state.ts';
import type { EndedCell } from './turn-under-way.ts';

/** Changed variables shown to the model for one cell; the rest is counted. */
const SHOWN_CHANGES = 20;

/** What the model is shown next. Texts travel by digest: the activity that renders them reads the store. */
export function observe(
  context: Pick<RunContext, 'state' | 'start'>,
  cells: readonly EndedCell[],
  notes: string[],
  draft: TextRef | null,
): Observation {
  return {
    statusLine: statusLine(context),
    cells: cells.map(({ cell, end }) => ({ cell, outcome: toOutcome(end) })),
    notes: [...notes, ...scarcity(context.state)],
    draft,
  };
}

/** Said while the model can still write something down. */
function scarcity({ turn, resolved, spend }: RunState): string[] {
  const { budget } = resolved;
  const left = budget.turns - turn;
  const { costUsd } = spend.usage;
  const notes: string[] = [];
  if (left === 1) {
    notes.push(
      'The next turn is your last: set answer["content"] and answer["ready"] = True in it.',
    );
  } else if (left === 2 && budget.turns > 4) {
    notes.push('Two turns are left: write your best answer into answer["content"] now.');
  }
  if (costUsd > 0 && costUsd >= 0.8 * budget.costUsd) {
    notes.push(
      'Most of the money is spent: write your best answer into answer["content"] now, and make no large calls.',
    );
  }
  return notes;
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
