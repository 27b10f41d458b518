import type { Digest, TextRef, WaitingQuestion } from '../protocol/index.ts';

/** A question of `ask_human` that waits. */
export interface OpenQuestion {
  question: TextRef;
  /** Somebody's answer is being stored: a second one is refused. */
  taken: boolean;
  answer: Digest | null;
}

/** Those that nobody has answered, for people to see. */
export function waitingQuestions(questions: ReadonlyMap<string, OpenQuestion>): WaitingQuestion[] {
  return [...questions]
    .filter(([, { answer }]) => answer === null)
    .map(([id, { question }]) => ({ id, question }));
}
