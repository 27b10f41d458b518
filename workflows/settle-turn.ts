import {
  type CellObservation,
  type FinishedCell,
  type NextTurnResult,
  type Observation,
  type RolledBackCell,
  type TextRef,
} from '../protocol/index.ts';
import type { RunState } from './run-state.ts';
import { statusLine } from './report.ts';

type CellEnd = FinishedCell | RolledBackCell;
export interface EndedCell {
  cell: string;
  end: CellEnd;
}

/** Changed variables shown to the model for one cell; the rest is counted. */
const SHOWN_CHANGES = 20;

/** What the engine does after a reply's cells ran: go on, or look at a ready draft. */
export type Verdict =
  | { kind: 'continue'; notes: string[]; draft: TextRef | null }
  | { kind: 'ready'; notes: string[]; draft: TextRef }
  | { kind: 'noCode' };

/** Without code this often in a row, a run ends with its best draft. */
const REPLIES_WITHOUT_CODE = 3;

const REMINDER =
  'Your reply held no Python code, so nothing was run. Write your next step as a fenced block, for example:\n```python\nprint(type(input_data), len(input_data))\n```\nWhen the answer is complete, set answer["content"] and answer["ready"] = True in a block.';

/**
 * Numbers the drafts, and decides whether the run is ready. A draft made ready in a reply whose cells showed
 * something that the model has not seen yet is not accepted at once: that is how answers get made up. The engine
 * sets `ready` back, shows what there is, and takes the next reply's word for it.
 */
export function settleTurn(
  state: RunState,
  reply: Pick<NextTurnResult, 'reply' | 'cells' | 'ignoredBlocks'>,
  cells: readonly EndedCell[],
): Verdict {
  const ends = cells.map(({ end }) => end);
  const notes = ignoredNote(reply.ignoredBlocks);
  if (reply.cells.length === 0) {
    if (state.draft !== null && confirmsInWords(reply.reply, state))
      return { kind: 'ready', notes, draft: state.draft.content };
    state.repliesWithoutCode++;
    if (state.repliesWithoutCode >= REPLIES_WITHOUT_CODE) return { kind: 'noCode' };
    return { kind: 'continue', notes: [...notes, REMINDER], draft: null };
  }
  state.repliesWithoutCode = 0;
  const last = ends.findLast((end) => end.kind === 'finished');
  const content = last?.answer.content ?? null;
  if (content !== null && content.digest !== state.draft?.content.digest) {
    state.draft = { version: (state.draft?.version ?? 0) + 1, content };
  }
  if (last?.answer.ready !== true) {
    state.confirming = null;
    return { kind: 'continue', notes, draft: null };
  }
  if (content === null) {
    resetReady(state);
    const note =
      'answer["ready"] was set while answer["content"] is empty; write the answer first.';
    return { kind: 'continue', notes: [...notes, note], draft: null };
  }
  if (ends.some(hasUnseenOutput) && state.confirming !== content.digest) {
    state.confirming = content.digest;
    resetReady(state);
    const note =
      'answer["ready"] was set in a reply whose output you had not seen. Check the output and the draft above against each other; then either revise, or confirm with only answer["ready"] = True in a block (or the single word CONFIRM).';
    return { kind: 'continue', notes: [...notes, note], draft: content };
  }
  return { kind: 'ready', notes, draft: content };
}

/** Sets `ready` back before the next cell: an edit like any other, so that a re-execution makes it too. */
export function resetReady(state: RunState): void {
  state.edits.push({ kind: 'setItem', variable: 'answer', key: 'ready', json: 'false' });
}

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

function toOutcome(end: CellEnd): CellObservation['outcome'] {
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
function bare({ digest, sizeBytes, chars }: TextRef): TextRef {
  return { digest, sizeBytes, chars };
}

function hasUnseenOutput(end: CellEnd): boolean {
  if (end.kind === 'rolledBack') return true;
  return (
    end.stdout.sizeBytes > 0 ||
    end.stderr.sizeBytes > 0 ||
    end.value !== null ||
    end.error !== null ||
    end.calls > 0
  );
}

function confirmsInWords(reply: TextRef, state: RunState): boolean {
  return (
    state.confirming !== null &&
    state.draft?.content.digest === state.confirming &&
    /^\W*CONFIRM\W*$/.test(reply.text ?? '')
  );
}

function ignoredNote(languages: readonly string[]): string[] {
  if (languages.length === 0) return [];
  return [`Only Python blocks are run; ignored: ${languages.join(', ')}.`];
}
