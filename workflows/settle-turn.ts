import type { EndReason, NextTurnResult, RunSpec, TextRef } from '../protocol/index.ts';
import { countRepeats } from './repeats.ts';
import type { RunState } from './run-state.ts';
import type { EndedCell } from './turn-under-way.ts';

/** What the engine does after a reply's cells ran: go on, look at a ready draft, or end with the best draft. */
export type Verdict =
  | { kind: 'continue'; notes: string[]; draft: TextRef | null }
  | { kind: 'ready'; notes: string[]; draft: TextRef }
  | { kind: 'over'; reason: EndReason; notes: string[] };

/** Without code this often in a row, a run ends with its best draft. */
const REPLIES_WITHOUT_CODE = 3;

const REMINDER =
  'Your reply held no Python code, so nothing was run. Write your next step as a fenced block, for example:\n```python\nprint(type(input_data), len(input_data))\n```\nWhen the answer is complete, set answer["content"] and answer["ready"] = True in a block.';
const TOOL_REMINDER =
  'Your reply held no Python code, so nothing was run. Call the tool python with your next step, for example with the code:\nprint(type(input_data), len(input_data))\nWhen the answer is complete, set answer["content"] and answer["ready"] = True in a call.';

const HOW_TO_CONFIRM =
  'either revise, or confirm with only answer["ready"] = True in a block (or the single word CONFIRM).';
const UNSEEN = `answer["ready"] was set in a reply whose output you had not seen. Check the output and the draft above against each other; then ${HOW_TO_CONFIRM}`;
const SEEN = `Look at the draft above once more: is it complete, and does each statement hold? Then ${HOW_TO_CONFIRM}`;
const CALLS_WHILE_CONFIRMING =
  'answer["ready"] was set back: the reply that confirmed also made calls, whose answers you had not seen. Look at them; then confirm without calls, or revise.';
const REPEATING =
  'This is the same code with the same outcome as in your replies before: it will not get you further. Do something else, or finish with what you have.';

/** What the model is told of a reply without code, by its finish reason. */
const HOW_IT_ENDED: Readonly<Record<string, string>> = {
  length: 'Your reply was cut off by the output limit: write less at once.',
  empty: 'Your reply was empty.',
  thoughts: 'Your reply held nothing but thoughts, which are not kept.',
  content_filter:
    "The provider's content filter stopped your reply: go on without what it objects to.",
  refusal: 'You declined. If that holds, say so in answer["content"] with the reason.',
};

type Reply = Pick<NextTurnResult, 'reply' | 'cells' | 'ignoredBlocks'> & {
  readonly finishReason?: string;
  readonly confirms?: boolean;
};

/**
 * Decides whether the run is ready. A draft made ready in a reply whose cells showed
 * something that the model has not seen yet is not accepted at once: that is how answers get made up. The engine
 * sets `ready` back, shows what there is, and takes the word of a later reply for it, once a draft. A reply that
 * makes calls confirms nothing: their answers are what it has not seen.
 */
export function settleTurn(
  state: RunState,
  reply: Reply,
  cells: readonly EndedCell[],
  confirm: RunSpec['confirm'] = 'unseen',
): Verdict {
  const notes = [...ignoredNote(reply.ignoredBlocks), ...notRunNote(reply, cells)];
  if (reply.cells.length === 0) return withoutCode(state, reply, notes);
  state.repliesWithoutCode = 0;
  const repeats = countRepeats(state, reply, cells);
  const goOn = (note: string | null, draft: TextRef | null = null): Verdict => {
    if (repeats === 'end') return { kind: 'over', reason: 'repeating', notes };
    const more = [...(note === null ? [] : [note]), ...(repeats === 'tell' ? [REPEATING] : [])];
    return { kind: 'continue', notes: [...notes, ...more], draft };
  };
  const answer = cells.map(({ end }) => end).findLast((end) => end.kind === 'finished')?.answer;
  if (answer?.ready !== true) return goOn(null);
  const { content } = answer;
  if (content === null) {
    resetReady(state);
    return goOn(
      'answer["ready"] was set while answer["content"] is empty; write the answer first.',
    );
  }
  const asked = state.confirming === content.digest;
  const unseen = cells.some(hasUnseenOutput);
  if (confirm !== 'never' && asked && cells.some(madeCalls)) {
    resetReady(state);
    return goOn(CALLS_WHILE_CONFIRMING);
  }
  if (!asked && (confirm === 'always' || (confirm === 'unseen' && unseen))) {
    state.confirming = content.digest;
    resetReady(state);
    return goOn(unseen ? UNSEEN : SEEN, content);
  }
  return { kind: 'ready', notes, draft: content };
}

/** Sets `ready` back before the next cell: an edit like any other, so that a re-execution makes it too. */
export function resetReady(state: RunState): void {
  state.edits.push({ kind: 'setItem', variable: 'answer', key: 'ready', json: 'false' });
}

function withoutCode(state: RunState, reply: Reply, notes: string[]): Verdict {
  if (state.draft !== null && confirmsInWords(reply, state))
    return { kind: 'ready', notes, draft: state.draft.content };
  state.repliesWithoutCode++;
  if (state.repliesWithoutCode >= REPLIES_WITHOUT_CODE) {
    return { kind: 'over', reason: 'noCode', notes };
  }
  const end = HOW_IT_ENDED[reply.finishReason ?? ''];
  const reminder = state.resolved.root.replies === 'tool' ? TOOL_REMINDER : REMINDER;
  return {
    kind: 'continue',
    notes: [...notes, ...(end === undefined ? [] : [end]), reminder],
    draft: null,
  };
}

function hasUnseenOutput({ end }: EndedCell): boolean {
  if (end.kind === 'rolledBack') return true;
  return (
    end.stdout.sizeBytes > 0 ||
    end.stderr.sizeBytes > 0 ||
    end.value !== null ||
    end.error !== null ||
    end.calls > 0
  );
}

function madeCalls({ end }: EndedCell): boolean {
  return end.kind === 'finished' && end.calls > 0;
}

function confirmsInWords({ confirms = false }: Reply, state: RunState): boolean {
  return confirms && state.confirming !== null && state.draft?.content.digest === state.confirming;
}

function ignoredNote(languages: readonly string[]): string[] {
  if (languages.length === 0) return [];
  return [`Only Python blocks are run; ignored: ${languages.join(', ')}.`];
}

/** What came after a cell that failed was written in the belief that it had worked. */
function notRunNote({ cells }: Reply, ended: readonly EndedCell[]): string[] {
  const last = ended.at(-1);
  const left = cells.length - ended.length;
  if (last === undefined || left <= 0) return [];
  const [what, were] = left === 1 ? ['The block', 'was'] : [`The ${left} blocks`, 'were'];
  return [`${what} after cell ${last.cell} ${were} not run, because it failed.`];
}
