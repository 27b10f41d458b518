import { z } from 'zod';
import * as caps from './caps.ts';
import { BlobRef } from './digest.ts';
import { Budget } from './budget.ts';
import { ValueFormat } from './variables.ts';

const inline = z.string().refine((text) => text.length <= caps.UPDATE_TEXT_BYTES, {
  error: `must be at most ${caps.UPDATE_TEXT_BYTES} characters; store a larger one and name its blob`,
});

/** A value that an update brings: itself, or by a blob that is in the store already. */
export const SentValue = z
  .strictObject({ format: ValueFormat, text: inline.optional(), blob: BlobRef.optional() })
  .refine(({ text, blob }) => (text === undefined) !== (blob === undefined), {
    error: 'must have either text or blob',
  });
export type SentValue = z.infer<typeof SentValue>;

/** A message that the root model sees at its next turn. */
export const SteerInput = z.strictObject({
  text: z.string().trim().min(1).max(caps.STEER_CHARS),
});
export type SteerInput = z.infer<typeof SteerInput>;

/** New limits, none below the present one. Absolute, so that sending it twice extends once. */
export const ExtendBudgetInput = Budget.partial().strict();
export type ExtendBudgetInput = z.infer<typeof ExtendBudgetInput>;

/** Sets a variable of the REPL before its next cell; `value` null deletes it. */
export const EditVariableInput = z.strictObject({
  variable: z
    .string()
    .max(200)
    .regex(/^[A-Za-z_]\w*$/, 'must be the name of a Python variable'),
  value: SentValue.nullable(),
});
export type EditVariableInput = z.infer<typeof EditVariableInput>;

/** A person's answer to a question of `ask_human`. */
export const AnswerHumanInput = z.strictObject({
  /** Id of the question: `turn.cell.call`. */
  question: z.string().max(40),
  answer: SentValue,
});
export type AnswerHumanInput = z.infer<typeof AnswerHumanInput>;
