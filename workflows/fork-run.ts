import { upsertMemo } from '@temporalio/workflow';
import {
  type Digest,
  type ForkPoint,
  MEMO_FROM,
  type NextTurnInput,
  type ResolvedSpec,
  type RunStart,
} from '../protocol/index.ts';
import { keepOutput } from './keep-output.ts';
import { packageEdits } from './package-edits.ts';
import { statusLine } from './report.ts';
import type { RunState } from './run-state.ts';

/** The limits of a run that starts from another: turns are numbered on, so that no two cells of a heap's past have one name. */
export function limitsAfter(resolved: ResolvedSpec, from: ForkPoint): ResolvedSpec {
  const { budget } = resolved;
  return { ...resolved, budget: { ...budget, turns: from.turn + budget.turns } };
}

/**
 * Brings a fresh state to where the source was: its transcript, what of its last reply's cells the model has not seen,
 * and as edits whatever the new run changes. With another question the old draft is none: it would answer the old one.
 */
export function goOnFrom(
  state: RunState,
  start: RunStart,
  from: ForkPoint,
  inputs: Digest | null,
): void {
  forkState(state, start, from, inputs);
  const { workflowId, runId, cell } = from;
  upsertMemo({ [MEMO_FROM]: { workflowId, runId, cell } });
}

/** The pure part of it. */
export function forkState(
  state: RunState,
  start: RunStart,
  from: ForkPoint,
  inputs: Digest | null,
): void {
  state.turn = from.turn;
  state.transcript = from.transcript;
  // What the source would have applied before its next cell.
  for (const { cell, outcome } of from.cells) keepOutput(state, { cell, end: outcome });
  const answer = { kind: 'setItem', variable: 'answer' } as const;
  state.edits = [...state.edits, { ...answer, key: 'ready', json: 'false' }];
  const { draft, citations } = from;
  if (asksAnew(start, from)) {
    state.edits.push({ ...answer, key: 'content', json: '""' });
    if (citations !== undefined) state.edits.push({ ...answer, key: 'citations', json: '[]' });
  } else if (draft !== null) {
    state.draft = { version: 1, content: draft, ...(citations && { citations }) };
  }
  if (inputs !== null) {
    const manifest = { kind: 'setManifest', variable: 'input_data', manifest: inputs } as const;
    state.edits.push({ ...manifest, merge: true });
  }
  state.edits.push(...packageEdits(state.resolved));
  if (state.resolved.tools !== undefined) {
    state.edits.push({ kind: 'setTools', toolbox: state.resolved.tools.toolbox });
  }
  if (from.transcript !== null) {
    state.observation = {
      statusLine: statusLine({ state, start }),
      cells: from.cells,
      notes: blocksNotRun(from),
      draft: null,
    };
  }
}

/** The reply that the step is of may have gone on: those blocks are in the transcript, but not in the heap. */
function blocksNotRun({ cell, blocks = 0 }: ForkPoint): string[] {
  const left = blocks - Number(cell.split('.')[1]);
  if (!(left > 0)) return [];
  return [
    `This run begins after cell ${cell}: the ${left === 1 ? 'block' : `${left} blocks`} after it in your last reply ${left === 1 ? 'was' : 'were'} not run here.`,
  ];
}

/** What the first turn of such a run is told beside the transcript: its own question, and inputs of its own. */
export function continuation(
  { resolved, turn, manifest }: Pick<RunState, 'resolved' | 'turn' | 'manifest'>,
  start: RunStart,
): Pick<NextTurnInput, 'continues'> {
  const { from } = resolved;
  if (from === undefined || from.transcript === null || turn !== from.turn + 1) return {};
  const hasInputs = start.spec.inputs.length > 0;
  if (!hasInputs && !asksAnew(start, from)) return {};
  return { continues: { manifest: hasInputs ? manifest : null } };
}

function asksAnew({ spec }: RunStart, { question = null }: ForkPoint): boolean {
  return spec.question.digest !== question;
}
