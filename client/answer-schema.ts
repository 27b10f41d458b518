import { z } from 'zod';
import { InvalidRequest, RunFailed } from './errors.ts';
import type { RunAnswer } from './rlm-client.ts';

/** The form of an answer: a zod schema, or a JSON Schema as an object. */
export type AnswerSchema = z.ZodType | Record<string, unknown>;

/**
 * The JSON Schema of an answer's form. Throws InvalidRequest when zod's schema has none, or when it is none that can
 * be checked: now, not when the first answer is ready and paid for.
 */
export function toJsonSchema(schema: AnswerSchema): Record<string, unknown> {
  try {
    // `input`: what the model writes is what the schema takes, before its defaults and transforms.
    const json = isZod(schema) ? { ...z.toJSONSchema(schema, { io: 'input' }) } : schema;
    z.fromJSONSchema(json);
    return json;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new InvalidRequest(
      `The request is not valid: answerSchema: not a JSON Schema that can be checked: ${why}.`,
      { cause: error },
    );
  }
}

/**
 * The answer of a run as a value of the schema that it was asked for with. Throws RunFailed when the run ended without
 * a final answer (its draft, if any, need not have that form), or when the answer does not fit the schema.
 */
export function typedAnswer<T>(run: RunAnswer, schema: z.ZodType<T>): T {
  const { workflowId, answer, result } = run;
  if (result.reason !== 'answered' || answer === null) {
    throw new RunFailed(
      workflowId,
      'Unanswered',
      `Run ${workflowId} ended without a final answer (${result.reason}).`,
    );
  }
  const parsed = schema.safeParse(parseJson(answer));
  if (parsed.success) return parsed.data;
  throw new RunFailed(
    workflowId,
    'InvalidAnswer',
    `The answer of run ${workflowId} is not of the form that was asked for: ${z.prettifyError(parsed.error)}`,
  );
}

/** By its mark, not by its class: a caller may have a copy of zod of their own. */
function isZod(schema: AnswerSchema): schema is z.ZodType {
  return '_zod' in schema;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
