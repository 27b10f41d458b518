import type { Progress } from '../protocol/index.ts';
import type { RunState } from './run-state.ts';

/** The draft for those who watch: without what it cites. */
export function shownDraft({ draft }: RunState): Progress['draft'] {
  return draft && { version: draft.version, content: draft.content };
}
