import { describe, expect, test } from '@jest/globals';
import type { ForkPoint } from '../../protocol/index.ts';
import { textRefOf } from '../../store/index.ts';
import { forkState } from '../../workflows/fork-run.ts';
import { freshState, START } from './states.ts';

// Scope: what a run that starts from a step of another is told of the reply that the step is of.

const DIGEST = `sha256:${'1'.repeat(64)}`;
const IMAGE = { blob: DIGEST, heapDigest: DIGEST, storedBytes: 1, heapBytes: 1 };
const FROM: ForkPoint = {
  workflowId: 'run',
  runId: 'r',
  cell: '3.1',
  turn: 3,
  image: IMAGE,
  transcript: DIGEST,
  cells: [],
  manifest: DIGEST,
  question: START.spec.question.digest,
  secret: '0'.repeat(64),
  draft: null,
  runtime: 'R',
  clockMs: 0,
};

function notesAfter(from: Partial<ForkPoint>): string[] | undefined {
  const state = freshState();
  forkState(state, START, { ...FROM, ...from }, null);
  return state.observation?.notes;
}

describe('a fork from a reply of several blocks', () => {
  test.each([
    [
      '3.1',
      3,
      [
        'This run begins after cell 3.1: the 2 blocks after it in your last reply were not run here.',
      ],
    ],
    [
      '3.2',
      3,
      ['This run begins after cell 3.2: the block after it in your last reply was not run here.'],
    ],
    ['3.3', 3, []],
    ['3.1', undefined, []],
  ])('at cell %s of %s says what was not run', (cell, blocks, notes) => {
    expect(notesAfter({ cell, ...(blocks === undefined ? {} : { blocks }) })).toEqual(notes);
  });

  test('goes on with the draft and the heap of the step, ready set back', () => {
    const state = freshState();
    forkState(state, START, { ...FROM, draft: textRefOf('So far.') }, null);
    expect(state.draft).toEqual({ version: 1, content: textRefOf('So far.') });
    expect(state.edits).toEqual([
      { kind: 'setItem', variable: 'answer', key: 'ready', json: 'false' },
    ]);
  });
});
