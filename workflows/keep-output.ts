import type { CellObservation, Edit, NextTurnResult } from '../protocol/index.ts';
import type { RunState } from './run-state.ts';
import type { EndedCell } from './turn-under-way.ts';

/** Makes a cell's whole output a variable of the next cells, `out["3.1"]`: what the model is shown of it may be cut. */
export function keepOutput(
  state: RunState,
  { cell, end }: { cell: string; end: EndedCell['end'] | CellObservation['outcome'] },
): void {
  const texts = [
    { key: cell, text: end.stdout },
    { key: `${cell} stderr`, text: end.stderr },
    ...(end.kind === 'finished'
      ? [
          { key: `${cell} value`, text: end.value },
          { key: `${cell} error`, text: end.error?.traceback ?? null },
        ]
      : []),
  ];
  const edits = texts.flatMap(({ key, text }): Edit[] =>
    text === null || text.sizeBytes === 0
      ? []
      : [{ kind: 'setItemBlob', variable: 'out', key, format: 'text', blob: text.digest }],
  );
  // A new list: the old one may be the input of a step.
  state.edits = [...state.edits, ...edits];
}

/** Adds the messages of a turn to the variable `history`, which stays whole when older turns are summarised in the prompt. */
export function keepMessages(state: RunState, { transcript }: NextTurnResult): void {
  state.edits = [
    ...state.edits,
    { kind: 'extend', variable: 'history', field: 'messages', blob: transcript },
  ];
}
