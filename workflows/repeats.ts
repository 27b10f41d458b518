import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { NextTurnResult } from '../protocol/index.ts';
import { toOutcome } from './observe.ts';
import type { RunState } from './run-state.ts';
import type { EndedCell } from './turn-under-way.ts';

/** So often the same in a row, and the model is told; so often, and the run ends. */
const TOLD_AT = 3;
const ENDED_AT = 6;

/**
 * Counts replies in a row that ran the same code with the same outcome: a model that loops. The same code with another
 * outcome is progress (a next page, a further step), so outputs, errors and changed variables are part of it.
 */
export function countRepeats(
  state: RunState,
  reply: Pick<NextTurnResult, 'cells'>,
  cells: readonly EndedCell[],
): 'fine' | 'tell' | 'end' {
  const said = [
    reply.cells.map(({ digest }) => digest),
    cells.map(({ end }) => toOutcome(end)),
    state.draft?.content.digest ?? null,
  ];
  const mark = bytesToHex(sha256(utf8ToBytes(JSON.stringify(said))));
  const count = state.repeats?.mark === mark ? state.repeats.count + 1 : 1;
  state.repeats = { mark, count };
  if (count >= ENDED_AT) return 'end';
  return count >= TOLD_AT ? 'tell' : 'fine';
}
