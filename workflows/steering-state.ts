import { condition } from '@temporalio/workflow';
import { z } from 'zod';
import { Edit } from '../protocol/index.ts';
import type { RunContext } from './run-context.ts';
import { resetReady } from './settle-turn.ts';

/** What people asked of a run that it has not done yet. Plain JSON: it is carried over. */
export const SteeringState = z.object({
  /** For the model, at its next turn. */
  messages: z.array(z.string()),
  /** Kept apart from the run's own edits: those of a cell under way are an input of its step and must not change. */
  edits: z.array(Edit),
  paused: z.boolean(),
  finish: z.boolean(),
});
export type SteeringState = z.infer<typeof SteeringState>;

export function noSteering(): SteeringState {
  return { messages: [], edits: [], paused: false, finish: false };
}

/** While somebody has paused the run nothing new starts. What is under way ends, and time that limits count goes on. */
export async function whilePaused(context: RunContext): Promise<void> {
  const { steering } = context.state;
  if (!steering.paused) return;
  context.held++;
  try {
    await condition(() => !steering.paused);
  } finally {
    context.held--;
  }
}

/** Before a cell: what people set becomes part of its edits. */
export function takeEdits({ state }: RunContext): void {
  // A new list: the old one may be the input of a step.
  state.edits = [...state.edits, ...state.steering.edits.splice(0)];
}

/** Before a turn: what people said becomes part of what the model is shown. */
export function takeMessages({ state }: RunContext, statusLine: string): void {
  const messages = state.steering.messages.splice(0);
  if (messages.length === 0) return;
  const shown = state.observation ?? { statusLine, cells: [], notes: [], draft: null };
  state.observation = { ...shown, notes: [...shown.notes, ...messages] };
}

/** A ready answer waits when a person has said something that the model has not seen: notes for the model, or null when there is nothing. */
export function unreadFirst({ state }: RunContext): string[] | null {
  if (state.steering.messages.length === 0) return null;
  resetReady(state);
  return [
    'Before your answer could be accepted a person wrote to you. Take it into account; then set answer["ready"] = True again.',
  ];
}
