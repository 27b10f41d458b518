import { describe, expect, test } from '@jest/globals';
import { textRefOf } from '../../store/index.ts';
import type { RunState } from '../../workflows/run-state.ts';
import { observe } from '../../workflows/observe.ts';
import { numberDraft } from '../../workflows/drafts.ts';
import { settleTurn, type Verdict } from '../../workflows/settle-turn.ts';
import type { EndedCell } from '../../workflows/turn-under-way.ts';
import { finished, freshState, rolledBack, START } from './states.ts';

const REPLY = { reply: textRefOf('a reply'), cells: [textRefOf('x = 1')], ignoredBlocks: [] };
const WITHOUT_CODE = { reply: textRefOf('I think so.'), cells: [], ignoredBlocks: [] };
const DRAFT = textRefOf('The answer.');
const READY = { content: DRAFT, ready: true };
const RESET = { kind: 'setItem', variable: 'answer', key: 'ready', json: 'false' };

function cells(...ends: EndedCell['end'][]): EndedCell[] {
  return ends.map((end, i) => ({ cell: `1.${i + 1}`, end }));
}

/** As the run does it: drafts are numbered after each cell. */
function settle(
  state: RunState,
  reply: Parameters<typeof settleTurn>[1],
  ended: readonly EndedCell[],
  confirm?: Parameters<typeof settleTurn>[3],
): Verdict {
  for (const cell of ended) numberDraft(state, cell);
  return settleTurn(state, reply, ended, confirm);
}

/** A state in which the model was asked to confirm DRAFT. */
function askedToConfirm(): RunState {
  const state = freshState();
  settle(state, REPLY, cells(finished({ stdout: textRefOf('42'), answer: READY })));
  state.edits = [];
  return state;
}

describe('a ready answer', () => {
  test('from a silent reply ends the run', () => {
    const state = freshState();
    expect(settle(state, REPLY, cells(finished({ answer: READY })))).toEqual({
      kind: 'ready',
      notes: [],
      draft: DRAFT,
    });
    expect([state.draft?.version, state.edits]).toEqual([1, []]);
  });

  test.each([
    ['printed', finished({ stdout: textRefOf('42'), answer: READY })],
    ['wrote to stderr', finished({ stderr: textRefOf('oh'), answer: READY })],
    ['echoed a value', finished({ value: textRefOf('42'), answer: READY })],
    ['had a call answered', finished({ calls: 1, answer: READY })],
    [
      'raised after it',
      finished({
        answer: READY,
        error: { type: 'ValueError', message: 'no', traceback: textRefOf('…') },
      }),
    ],
  ])('from a cell that %s is set back and shown for confirmation', (_, end) => {
    const state = freshState();
    const verdict = settle(state, REPLY, cells(end));
    expect(verdict).toMatchObject({ kind: 'continue', draft: DRAFT });
    expect(state.edits).toEqual([RESET]);
    expect(state.confirming).toBe(DRAFT.digest);
  });

  test('counts output of an earlier cell of the same reply as unseen', () => {
    const state = freshState();
    const ends = cells(finished({ stdout: textRefOf('42') }), finished({ answer: READY }));
    expect(settle(state, REPLY, ends).kind).toBe('continue');
  });

  test('is accepted at the second time, output or not: one confirmation a draft', () => {
    const state = askedToConfirm();
    const again = cells(finished({ stdout: textRefOf('more'), answer: READY }));
    expect(settle(state, REPLY, again)).toMatchObject({ kind: 'ready', draft: DRAFT });
  });

  test('with a changed draft and new output is asked about again', () => {
    const state = askedToConfirm();
    const other = { content: textRefOf('Another answer.'), ready: true };
    const verdict = settle(
      state,
      REPLY,
      cells(finished({ stdout: textRefOf('43'), answer: other })),
    );
    expect([verdict.kind, state.draft?.version]).toEqual(['continue', 2]);
  });

  test('without content is set back with a note', () => {
    const state = freshState();
    const verdict = settle(
      state,
      REPLY,
      cells(finished({ answer: { content: null, ready: true } })),
    );
    expect(verdict).toEqual({
      kind: 'continue',
      notes: ['answer["ready"] was set while answer["content"] is empty; write the answer first.'],
      draft: null,
    });
    expect(state.edits).toEqual([RESET]);
  });
});

describe('a draft that was asked about', () => {
  test('is accepted from a later reply too: one confirmation a draft', () => {
    const state = askedToConfirm();
    settle(
      state,
      REPLY,
      cells(finished({ stdout: textRefOf('check'), answer: { content: DRAFT, ready: false } })),
    );
    const again = cells(finished({ stdout: textRefOf('checked'), answer: READY }));
    expect(settle(state, REPLY, again)).toMatchObject({ kind: 'ready', draft: DRAFT });
  });

  test('is not confirmed by a reply that makes calls: their answers are unseen', () => {
    const state = askedToConfirm();
    const calling = cells(finished({ calls: 2, answer: READY }));
    expect(settle(state, REPLY, calling)).toEqual({
      kind: 'continue',
      notes: [
        'answer["ready"] was set back: the reply that confirmed also made calls, whose answers you had not seen. Look at them; then confirm without calls, or revise.',
      ],
      draft: null,
    });
    expect(state.edits).toEqual([RESET]);
    expect(settle(state, REPLY, cells(finished({ answer: READY }))).kind).toBe('ready');
  });
});

describe('the spec may ask for confirmation', () => {
  test('always: a silent reply is asked once too', () => {
    const state = freshState();
    const ready = cells(finished({ answer: READY }));
    expect(settle(state, REPLY, ready, 'always')).toMatchObject({
      kind: 'continue',
      notes: [expect.stringMatching(/^Look at the draft above once more/)],
      draft: DRAFT,
    });
    expect(settle(state, REPLY, ready, 'always').kind).toBe('ready');
  });

  test('never: unseen output does not hold an answer back', () => {
    const ready = cells(finished({ stdout: textRefOf('42'), calls: 3, answer: READY }));
    expect(settle(freshState(), REPLY, ready, 'never').kind).toBe('ready');
  });
});

describe('the word CONFIRM', () => {
  const said = { ...WITHOUT_CODE, confirms: true };

  test('ends the run when the draft on the table was asked about', () => {
    expect(settle(askedToConfirm(), said, [])).toMatchObject({ kind: 'ready', draft: DRAFT });
  });

  test('confirms nothing when the draft is another one by now', () => {
    const state = askedToConfirm();
    settle(state, REPLY, cells(finished({ answer: { content: textRefOf('New.'), ready: false } })));
    expect(settle(state, said, []).kind).toBe('continue');
  });

  test('is a reply without code when nothing was asked', () => {
    const state = freshState();
    expect(settle(state, said, []).kind).toBe('continue');
    expect(state.repliesWithoutCode).toBe(1);
  });
});

describe('a reply without code', () => {
  test('gets a reminder with an example twice, and ends the run at the third in a row', () => {
    const state = freshState();
    const first = settle(state, WITHOUT_CODE, []);
    expect(first.kind === 'continue' && first.notes[0]).toMatch(/held no Python code[^]*```python/);
    expect(settle(state, WITHOUT_CODE, []).kind).toBe('continue');
    expect(settle(state, WITHOUT_CODE, [])).toEqual({ kind: 'over', reason: 'noCode', notes: [] });
  });

  test.each([
    ['length', 'Your reply was cut off by the output limit: write less at once.'],
    ['empty', 'Your reply was empty.'],
    ['thoughts', 'Your reply held nothing but thoughts, which are not kept.'],
    [
      'content_filter',
      "The provider's content filter stopped your reply: go on without what it objects to.",
    ],
    ['refusal', 'You declined. If that holds, say so in answer["content"] with the reason.'],
  ])('that ended with %s is told so', (finishReason, note) => {
    expect(settle(freshState(), { ...WITHOUT_CODE, finishReason }, [])).toMatchObject({
      notes: [note, expect.stringMatching(/^Your reply held no Python code/)],
    });
  });

  test('of a model that calls the tool gets an example of a call', () => {
    const state = freshState();
    state.resolved = { ...state.resolved, root: { ...state.resolved.root, replies: 'tool' } };
    expect(settle(state, WITHOUT_CODE, [])).toMatchObject({
      notes: [expect.stringMatching(/Call the tool python[^]*print\(type\(input_data\)/)],
    });
  });

  test('is forgiven by a reply with code', () => {
    const state = freshState();
    settle(state, WITHOUT_CODE, []);
    settle(state, REPLY, cells(finished()));
    expect(state.repliesWithoutCode).toBe(0);
  });
});

test('a rolled-back cell leaves the draft of the cells before it', () => {
  const state = freshState();
  const ends = cells(finished({ answer: { content: DRAFT, ready: false } }), rolledBack());
  expect(settle(state, REPLY, ends).kind).toBe('continue');
  expect(state.draft).toEqual({ version: 1, content: DRAFT });
});

test('every change of the content is a numbered draft, also within one reply', () => {
  const state = freshState();
  const [one, two] = [textRefOf('one'), textRefOf('two')];
  const at = (content: typeof one) => finished({ answer: { content, ready: false } });
  settle(state, REPLY, cells(at(one), at(one), at(two)));
  settle(state, REPLY, [{ cell: '2.1', end: at(one) }]);
  expect(state.drafts.map(({ version, cell }) => [version, cell])).toEqual([
    [1, '1.1'],
    [2, '1.3'],
    [3, '2.1'],
  ]);
  expect(state.draft).toEqual({ version: 3, content: one });
});

describe('a model that loops', () => {
  test('is told at the third time, and the run ends at the sixth', () => {
    const state = freshState();
    const same = cells(finished({ stdout: textRefOf('nothing found') }));
    const verdicts = Array.from({ length: 6 }, () => settle(state, REPLY, same));
    expect(verdicts.map((v) => (v.kind === 'continue' ? v.notes.length : v))).toEqual([
      0,
      0,
      1,
      1,
      1,
      { kind: 'over', reason: 'repeating', notes: [] },
    ]);
  });

  test('does not when the same code has another outcome each time', () => {
    const state = freshState();
    for (let page = 1; page <= 10; page++) {
      const next = cells(finished({ stdout: textRefOf(`page ${page}`) }));
      expect(settle(state, REPLY, next)).toMatchObject({ kind: 'continue', notes: [] });
    }
  });
});

test('blocks after a cell that failed are reported as not run', () => {
  const error = { type: 'NameError', message: 'x', traceback: textRefOf('…') };
  const three = { ...REPLY, cells: ['a', 'b', 'c'].map((code) => textRefOf(code)) };
  expect(settle(freshState(), three, cells(finished({ error })))).toMatchObject({
    notes: ['The 2 blocks after cell 1.1 were not run, because it failed.'],
  });
});

test('blocks in other languages are named to the model', () => {
  const verdict = settle(
    freshState(),
    { ...REPLY, ignoredBlocks: ['bash', 'json'] },
    cells(finished()),
  );
  expect(verdict).toMatchObject({ notes: ['Only Python blocks are run; ignored: bash, json.'] });
});

test('an observation of 20 loud cells fits into a payload', () => {
  const loud = textRefOf('x'.repeat(100_000));
  const change = {
    name: 'n'.repeat(200),
    change: 'new' as const,
    type: 't'.repeat(100),
    size: 1,
    preview: 'p'.repeat(80),
  };
  const end = finished({
    stdout: loud,
    stderr: loud,
    value: loud,
    changes: Array.from({ length: 100 }, () => change),
  });
  const observation = observe(
    { state: freshState(), start: START },
    cells(...Array.from({ length: 20 }, () => end)),
    [],
    null,
  );
  expect(observation.cells[0]?.outcome).toMatchObject({ changesOmitted: 80 });
  // The server refuses 2 MiB; half a megabyte warns.
  expect(JSON.stringify(observation).length).toBeLessThan(256 * 1024);
});
