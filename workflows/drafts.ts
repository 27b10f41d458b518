import type { AnswerState, Draft, TextRef } from '../protocol/index.ts';
import { bare } from './observe.ts';
import type { RunState } from './run-state.ts';
import type { EndedCell } from './turn-under-way.ts';

/** Drafts that a run can name; older ones are in the history's cells. */
const KEPT = 100;

/** Numbers the draft that a cell left, before anything else happens: each change of `answer["content"]`, looked at after each cell, is one. */
export function numberDraft(state: RunState, { cell, end }: EndedCell): void {
  if (end.kind !== 'finished') return;
  const { content } = end.answer;
  if (content !== null && content.digest !== state.draft?.content.digest) {
    addDraft(state, cell, content);
  }
  takeCitations(state, end.answer);
}

/** Keeps what the draft cites, as of the cell that has just ended. */
function takeCitations(state: RunState, { content, citations }: AnswerState): void {
  const { draft } = state;
  if (draft === null || content?.digest !== draft.content.digest) return;
  if (draft.citations?.digest === citations?.digest) return;
  const { version } = draft;
  state.draft = { version, content: draft.content, ...(citations && { citations }) };
}

/** The newest draft, which is the best: the model improved the others into it. */
export function addDraft(state: RunState, cell: string | null, content: TextRef): void {
  const version = (state.draft?.version ?? 0) + 1;
  state.draft = { version, content };
  const draft: Draft = { version, cell, content: bare(content) };
  state.drafts = [...state.drafts, draft].slice(-KEPT);
}
