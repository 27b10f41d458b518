import { z } from 'zod';
import {
  FinishedCell,
  NextTurnResult,
  ReuseAnswersInput,
  RolledBackCell,
  RunCellInput,
  WaitingCell,
} from '../protocol/index.ts';

/** How a cell came to its end. */
export const EndedCell = z.object({
  cell: z.string(),
  end: z.discriminatedUnion('kind', [FinishedCell, RolledBackCell]),
});
export type EndedCell = z.infer<typeof EndedCell>;

/** A cell that stopped at calls of which none has been started. */
export const StoppedCell = z.object({
  /** Its step, as it was begun. */
  input: RunCellInput,
  /** Stops of it so far, this one included. */
  round: z.int().positive(),
  waiting: WaitingCell,
  /** The attempt of the cell before this one, whose answers are used again. */
  earlier: ReuseAnswersInput.shape.earlier.optional(),
});
export type StoppedCell = z.infer<typeof StoppedCell>;

/** A turn whose reply is there and whose cells are being run: what a run carries over in the middle of one. */
export const TurnUnderWay = z.object({
  reply: NextTurnResult,
  /** Its cells so far. */
  ended: z.array(EndedCell),
  /** The cell after them, when it is the one that was stopped. */
  stopped: StoppedCell.nullable(),
});
export type TurnUnderWay = z.infer<typeof TurnUnderWay>;
